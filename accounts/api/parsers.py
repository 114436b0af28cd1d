"""What programs send: JSON, as deep as anybody needs."""

from __future__ import annotations

import json

from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser


class Json(JSONParser):
    """JSON; a body nested so deeply that no reader can follow it is refused like a broken one."""

    def parse(self, stream, media_type=None, parser_context=None):
        try:
            body = super().parse(stream, media_type, parser_context)
            json.dumps(body, ensure_ascii=False).encode()
        except RecursionError:
            raise ParseError(_("The body is nested too deeply.")) from None
        except UnicodeEncodeError:  # half of a pair, as \ud800: no text, and no answer can name it
            raise ParseError(_("The body holds characters that are no text.")) from None
        return body
