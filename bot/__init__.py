"""Atelier's bot: takes wishes from Discord or the local page, and has the engine paint them one after another."""
