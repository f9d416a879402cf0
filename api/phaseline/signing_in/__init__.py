"""How people come to use the pages: by a token, or through their organisation's provider."""

from phaseline.answering import answering
from phaseline.signing_in.browsers import SigningIn
from phaseline.signing_in.routes import PATH, routes

__all__ = ["PATH", "SigningIn", "answering", "routes"]
