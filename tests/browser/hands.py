"""Hands at a keyboard and a mouse, counting what they do beside the words themselves."""


class Hands:
    """``moves``: clicks, tabs and every other key that only gets somewhere or does something.

    ``answers``: a question answered by its one key. ``letters``: what is typed into fields.
    """

    def __init__(self, page):
        self.page = page
        self.moves = self.answers = self.letters = 0

    def click(self, place):
        self.moves += 1
        place.click()

    def press(self, key, times=1):
        for _press in range(times):
            self.moves += 1
            self.page.keyboard.press(key)

    def answer(self, keys):
        for key in keys:
            self.answers += 1
            self.page.keyboard.press(key)

    def type(self, words):
        """Into whatever has the focus, as a person does: letter by letter."""
        self.letters += len(words)
        self.page.keyboard.type(words)

    @property
    def focused(self):
        """The name of the field that has the focus."""
        return self.page.evaluate("document.activeElement.name || document.activeElement.id")
