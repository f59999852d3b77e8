"""The local page: the same job as on Discord, for whoever sits at this machine. The only door to aiohttp's server.

It listens on the loopback address only, and answers only to pages of its own: other sites' scripts reach loopback
too, so the Host header is checked (DNS rebinding) and so is where a POST comes from (forged requests).
"""

import asyncio
import base64
import errno
import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from aiohttp import BodyPartReader, MultipartReader, hdrs, web
from aiohttp.http_exceptions import BadHttpMessage
from aiohttp.web import RequestPayloadError

from bot.jobs import (
    LOCAL_OWNER,
    Address,
    Cancelled,
    Failed,
    Job,
    JobError,
    News,
    NotYours,
    Painted,
    Painting,
    Queued,
    Refused,
    Request,
    UnknownJob,
)
from bot.preset_files import Preset
from bot.service import StyleService
from bot.styles import Styles
from engine.errors import EngineError

log = logging.getLogger(__name__)

FRONT_END: Final = "page"
PAGE: Final = Path(str(files("bot") / "page"))
HOST: Final = "127.0.0.1"
OWN_NAMES: Final = ("127.0.0.1", "localhost")
GALLERY: Final = 100
"""So many presets, or samples, are shown."""
PICTURES: Final = ("content", "style")
FORM_BYTES: Final = 64 * 1024
"""What a form may have besides its pictures."""
NO_FORM: Final = "Send a form with a picture to repaint and a style."
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


class TooLarge(Refused):
    """More bytes than a picture, or the form, may have."""


STATUS: Final[dict[type[Exception], HTTPStatus]] = {
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    UnknownJob: HTTPStatus.NOT_FOUND,
    NotYours: HTTPStatus.FORBIDDEN,
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class LocalPage:
    """Fulfils the front-end's part for the owner of this machine.

    Args:
        port: another free one is taken if it is in use; 0 means any.
        upload_bytes: the largest picture.
        samples: photos that are offered for a first try, each with a TOML beside it or not.
    """

    def __init__(self, service: StyleService, *, port: int, upload_bytes: int, samples: Sequence[Path]) -> None:
        self.service = service
        self.port = port
        self.form_bytes = len(PICTURES) * upload_bytes + FORM_BYTES
        self.upload_bytes = upload_bytes
        self._sample_paths = samples
        self.samples: dict[str, Preset] = {}
        self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=1.0)

    async def start(self) -> str:
        """Serve from now on; the address to open."""
        self.samples = await asyncio.to_thread(_read_samples, self._sample_paths)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, HOST, self.port).start()
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            await web.TCPSite(self._runner, HOST, 0).start()
        return f"http://{HOST}:{self._runner.addresses[0][1]}"

    async def close(self) -> None:
        """Stop serving; open jobs stay in the ledger."""
        await self._runner.cleanup()

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[_guard], client_max_size=self.form_bytes)
        application.add_routes(
            [
                web.get("/", _asset("index.html")),
                web.get("/page.css", _asset("page.css")),
                web.get("/page.js", _asset("page.js")),
                web.get("/health", self._health),
                web.get("/api/limits", self._limits),
                web.get("/api/presets", self._list_presets),
                web.get("/api/presets/{name}/picture", self._preset),
                web.get("/api/presets/{name}/thumbnail", self._preset_thumbnail),
                web.get("/api/samples", self._list_samples),
                web.get("/api/samples/{name}/picture", self._sample),
                web.get("/api/samples/{name}/thumbnail", self._sample_thumbnail),
                web.get("/api/jobs", self._list_jobs),
                web.post("/api/jobs", self._submit),
                web.get("/api/jobs/{job}/events", self._events),
                web.get("/api/jobs/{job}/content", self._content),
                web.get("/api/jobs/{job}/result", self._result),
                web.post("/api/jobs/{job}/cancel", self._cancel),
            ]
        )
        return application

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _limits(self, _: web.Request) -> web.Response:
        limits = self.service.limits
        size = min(limits.default_size, limits.max_size)
        return web.json_response({"size": size, "max_size": limits.max_size, "upload_bytes": self.upload_bytes})

    async def _list_presets(self, _: web.Request) -> web.Response:
        return web.json_response([_shown(preset) for preset in self.service.presets(limit=GALLERY)])

    async def _preset(self, request: web.Request) -> web.Response:
        return _picture(self.service.styles.get(request.match_info["name"]))

    async def _preset_thumbnail(self, request: web.Request) -> web.Response:
        return _thumbnail(self.service.styles.get(request.match_info["name"]))

    async def _list_samples(self, _: web.Request) -> web.Response:
        return web.json_response([_shown(photo) for photo in self.samples.values()])

    async def _sample(self, request: web.Request) -> web.Response:
        return _picture(self._sample_named(request.match_info["name"]))

    async def _sample_thumbnail(self, request: web.Request) -> web.Response:
        return _thumbnail(self._sample_named(request.match_info["name"]))

    def _sample_named(self, name: str) -> Preset:
        if name not in self.samples:
            raise Refused(f"There is no sample {name[:40]!r}.")
        return self.samples[name]

    async def _list_jobs(self, _: web.Request) -> web.Response:
        """What was asked for and not yet seen: the page takes it up again after a reload or a restart."""
        return web.json_response([{"id": job.id} for job in await self.service.untold(FRONT_END)])

    async def _submit(self, request: web.Request) -> web.Response:
        form = await self._read_form(request)
        content, style = form.get("content"), form.get("style")
        sample = _text(form, "sample")
        if sample and content is not None:
            raise Refused("Choose either a picture of yours or a sample, not both.")
        if sample:
            content = self._sample_named(sample).picture
        if content is None:
            raise Refused("Choose a picture to repaint.")
        job = await self.service.submit(
            Request(
                owner=LOCAL_OWNER,
                address=Address(FRONT_END),
                content=content,
                style=style,
                preset=_text(form, "preset") or None,
                strength=_number(form, "strength"),
                size=_number(form, "size"),
            )
        )
        return web.json_response({"id": job.id}, status=HTTPStatus.ACCEPTED)

    async def _read_form(self, request: web.Request) -> dict[str, bytes]:
        """The form's fields; a part that is too large ends the reading at once."""
        if not request.content_type.startswith("multipart/"):
            raise Refused(NO_FORM)
        if (request.content_length or 0) > self.form_bytes:
            raise self._too_large()
        try:
            return await self._read_parts(await request.multipart())
        except (ValueError, BadHttpMessage, RequestPayloadError) as error:  # a broken form, or a broken connection
            raise Refused(NO_FORM) from error

    async def _read_parts(self, parts: MultipartReader) -> dict[str, bytes]:
        form: dict[str, bytes] = {}
        async for part in parts:
            if not isinstance(part, BodyPartReader) or part.name is None:
                raise Refused(NO_FORM)
            data = bytearray()
            while chunk := await part.read_chunk(2**16):
                data += chunk
                if len(data) > (self.upload_bytes if part.name in PICTURES else FORM_BYTES):
                    raise self._too_large()
            if data or part.filename:  # a file field that was left empty has neither
                form[part.name] = bytes(data)
        return form

    def _too_large(self) -> TooLarge:
        return TooLarge(f"A picture may have up to {self.upload_bytes / 2**20:.3g} MB; save it smaller or as a JPEG.")

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """The job's news as server-sent events, until its last."""
        job_id = request.match_info["job"]
        await self.service.job(job_id)
        response = web.StreamResponse(headers={**SECURITY_HEADERS, "Content-Type": "text/event-stream"})
        await response.prepare(request)
        shown: bytes | None = None
        async for news in self.service.watch(job_id):
            told = _told(news, shown)
            shown = news.preview if isinstance(news, Painting) else shown
            if isinstance(news, Painted):
                told |= _about(await self.service.job(job_id))
            await response.write(f"data: {json.dumps(told)}\n\n".encode())
            if isinstance(news, Failed | Cancelled):
                await self.service.told(job_id)
        return response

    async def _content(self, request: web.Request) -> web.Response:
        return web.Response(body=await self.service.content(request.match_info["job"]), content_type="image/png")

    async def _result(self, request: web.Request) -> web.StreamResponse:
        """The picture; once all of it was sent, it counts as delivered."""
        job_id = request.match_info["job"]
        result = await self.service.result(job_id)
        await self.service.begin_delivery(job_id)
        name = f"atelier-{job_id}.{result.extension}"
        response = web.StreamResponse(
            headers={**SECURITY_HEADERS, hdrs.CONTENT_DISPOSITION: f'inline; filename="{name}"'}
        )
        response.content_type = "image/png" if result.extension == "png" else "image/jpeg"
        await response.prepare(request)
        await response.write(result.data)
        await self.service.delivered(job_id)
        await response.write_eof()
        return response

    async def _cancel(self, request: web.Request) -> web.Response:
        cancelled = await self.service.cancel(request.match_info["job"], LOCAL_OWNER)
        return web.json_response({"cancelled": cancelled})


def _read_samples(paths: Sequence[Path]) -> dict[str, Preset]:
    """By name; a photo says what it shows as a preset does."""
    photos = Styles(sorted({path.parent for path in paths})).search(limit=GALLERY)
    return {photo.name: photo for photo in photos if photo.path in paths}


def _asset(name: str) -> Handler:
    async def serve(_: web.Request) -> web.FileResponse:
        return web.FileResponse(PAGE / name)

    return serve


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let only this machine's own page in; turn refusals into sentences and bugs into references."""
    try:
        if not _is_own(request):
            return _error(HTTPStatus.FORBIDDEN, "This page answers only to itself, on this machine.")
        response = await handler(request)
    except ConnectionResetError:
        return web.Response()  # to nobody: the browser went away, and will ask for its untold jobs again
    except web.HTTPException as error:
        return _error(HTTPStatus(error.status), error.reason + ".")
    except (JobError, EngineError) as error:
        # Uploaded bytes that nobody will read must not be waited for.
        response = _error(STATUS.get(type(error), HTTPStatus.BAD_REQUEST), str(error))
        if not request.content.is_eof() and request.can_read_body:
            response.force_close()
        return response
    except Exception:  # the command handler's border
        reference = secrets.token_hex(4)
        log.exception("%s %s failed, reference %s", request.method, request.path, reference)
        return _error(HTTPStatus.INTERNAL_SERVER_ERROR, f"Something went wrong here (reference {reference}).")
    if not response.prepared:
        response.headers.update(SECURITY_HEADERS)
    return response


def _is_own(request: web.Request) -> bool:
    if request.host.partition(":")[0] not in OWN_NAMES:
        return False
    if request.method in (hdrs.METH_GET, hdrs.METH_HEAD):
        return True
    origin = request.headers.get(hdrs.ORIGIN)
    return origin in (None, f"http://{request.host}") and request.headers.get("Sec-Fetch-Site") != "cross-site"


def _error(status: HTTPStatus, sentence: str) -> web.Response:
    return web.json_response({"error": sentence}, status=status, headers=SECURITY_HEADERS)


def _shown(picture: Preset) -> dict[str, str | int]:
    """One entry of a gallery."""
    return {
        "name": picture.name,
        "title": picture.title,
        "description": picture.description,
        "alt": picture.alt,
        "strength": picture.options.strength,
    }


def _picture(preset: Preset) -> web.Response:
    return web.Response(body=preset.picture, content_type=preset.media_type)


def _thumbnail(preset: Preset) -> web.Response:
    return web.Response(body=preset.thumbnail, content_type="image/jpeg")


def _text(form: dict[str, bytes], name: str) -> str:
    return form.get(name, b"").decode(errors="replace")


def _number(form: dict[str, bytes], name: str) -> int | None:
    """None where the form says nothing."""
    text = _text(form, name)
    try:
        return int(text) if text else None
    except ValueError as error:
        raise Refused(f"The {name} must be a whole number, not {text[:20]!r}.") from error


def _told(news: News, shown: bytes | None) -> dict[str, Any]:
    """One event; a preview goes out once."""
    match news:
        case Queued(position, seconds_left):
            return {"kind": "queued", "position": position, "seconds_left": seconds_left}
        case Painting(fraction, seconds_left, preview):
            told = {"kind": "painting", "fraction": fraction, "seconds_left": seconds_left}
            if preview is not None and preview is not shown:
                told["preview"] = "data:image/jpeg;base64," + base64.b64encode(preview).decode()
            return told
        case Painted():
            return {"kind": "painted"}
        case Cancelled():
            return {"kind": "cancelled"}
        case Failed(sentence):
            return {"kind": "failed", "sentence": sentence}


def _about(job: Job) -> dict[str, Any]:
    """What the result card says."""
    return {
        "style": job.style_name,
        "encoder": job.encoder,
        "seconds": job.paint_seconds,
        "strength": job.options.strength,
        "note": job.note,
    }
