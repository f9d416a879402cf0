"""The client of GitHub, as whom the environments file and the settings say."""

from phaseline.environments.file import EnvironmentsFile
from phaseline.environments.github import App, Credential
from phaseline.github import credentials
from phaseline.github.client import GitHub


def client(environments: EnvironmentsFile, credential: Credential) -> GitHub:
    """It is to be closed. The files and the settings were held to what a credential has to be."""
    return GitHub(environments.github.api_url, _used(credential))


def _used(credential: Credential) -> credentials.Credentials:
    if isinstance(credential, App):
        key = credential.key.get_secret_value()
        return credentials.App(str(credential.app_id), str(credential.installation_id), key)
    return credentials.Token(credential.token.get_secret_value())
