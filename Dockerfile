# Atelier in one container: `docker build -t atelier .`, then
# `docker run -e DISCORD_TOKEN=… -v atelier:/data atelier`.
FROM python:3.12-slim-bookworm

ENV PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1

RUN useradd --create-home --uid 10001 atelier \
    && mkdir /data \
    && chown atelier /data

WORKDIR /opt/atelier
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY engine engine
COPY bot bot
RUN pip install --constraint constraints.txt .

USER 10001
# Everything written lies here: the ledger with jobs and pictures.
ENV ATELIER_DATA_DIR=/data
VOLUME /data

ENTRYPOINT ["atelier"]
CMD ["run"]
