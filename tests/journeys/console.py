"""The console page as its operator finds it."""

from playwright.async_api import Locator, Page

from tests.journeys.modal import Modal

# What has the focus, through all shadow roots: a row's deploy, or a name for any other element.
_FOCUSED = """() => {
    let focused = document.activeElement;
    while (focused?.shadowRoot?.activeElement) focused = focused.shadowRoot.activeElement;
    const { dataset, id, ariaLabel, innerText, localName } = focused;
    return dataset.deploy ?? (id || ariaLabel || innerText?.trim() || localName);
}"""


class ConsolePage:
    """A page at the server's root, or at a deploy's own address."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.modal = Modal(page)
        self.form = page.locator("phaseline-start-form dialog")

    @property
    def rows(self) -> Locator:
        """The deploys in the list."""
        return self.page.locator("phaseline-console li.row")

    def link(self, deploy_id: str) -> Locator:
        """The link in a deploy's row."""
        return self.page.locator(f"[data-deploy='{deploy_id}']")

    def button(self, name: str) -> Locator:
        """A button, by its words."""
        return self.page.get_by_role("button", name=name)

    @property
    def token(self) -> Locator:
        """The field of the sign-in that is shown on the page itself."""
        return self.page.locator("main phaseline-sign-in").get_by_label("Token")

    @property
    def caller(self) -> Locator:
        """Who is signed in, as the header says."""
        return self.page.locator(".caller")

    async def sign_in(self, token: str) -> None:
        """Paste a token, and send it."""
        await self.token.fill(token)
        await self.press("Enter")

    @property
    def dialog(self) -> Locator:
        """The modal's dialog."""
        return self.modal.part("dialog")

    async def focused(self) -> str:
        """What has the focus: a row's deploy id, or else an id or the words of the element."""
        return str(await self.page.evaluate(_FOCUSED))

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            await self.page.keyboard.press(key)
