"""The screen that chooses the job templates of a service: none, one or several, in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Button

from xpm_tui.application.jobs import templates
from xpm_tui.application.jobs.views import ServiceLinkView, TemplateView
from xpm_tui.application.practice import OpenPractice
from xpm_tui.domain import formatting
from xpm_tui.domain.safe_text import Shown
from xpm_tui.tui.dialogs.help import HelpPage
from xpm_tui.tui.screens.chooser import Chooser
from xpm_tui.tui.widgets.cells import Line, Span, content, fixed, span


class ServiceTemplates(Chooser[TemplateView]):
    """A list of job templates. Enter adds or removes the selected one; nothing changes until it is saved."""

    PLACEHOLDER = "name or UUID of a job template"
    TITLE = "Link to job templates"
    PANEL = "XPM job templates"
    NO_MATCH = "No match among XPM's job templates. F4 clears the search. If XPM hides its list, type a UUID."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Add or remove", tooltip="Add the template, or remove it", priority=True),
        Binding("f6", "no_job", "No job"),
        Binding("f10", "save", "Save"),
        Binding("tab", "app.focus_next", "Buttons"),
    ]
    HELP_PAGE: ClassVar = HelpPage(
        "Link a service",
        "Type letters of a template's name. Enter adds the selected template or removes it; "
        "the numbers show the order, and the first one creates the job. Nothing changes until "
        "you save.",
        [
            ("enter", "add or remove"),
            ("F10", "save (or tab to the button)"),
            ("F6", "this service needs no job"),
            ("F4", "clear the search"),
            ("esc", "leave without saving"),
        ],
    )

    def __init__(self, service: ServiceLinkView) -> None:
        super().__init__()
        self._service = service
        self._uuids = [ref.id for ref in service.templates]
        self._names = {ref.id: ref.name for ref in service.templates}
        self._order = {each.uuid: place for place, each in enumerate(service.proposals)}
        self._all: Sequence[TemplateView] = ()

    def subject_lines(self) -> list[Line]:
        """Return the service, and the templates chosen for it."""
        first: list[Span] = [span(self._service.name, "strong"), fixed(f"  {self._service.id}", "muted")]
        second: list[Span] = [fixed(" Job templates: ", "muted")]
        for place, uuid in enumerate(self._uuids, 1):
            second.append(span(f"{place} {self._names.get(uuid, uuid)}  ", "good"))
        if not self._uuids:
            second.append(fixed("nothing yet", "warn"))
        return [first, second]

    def below_effect(self) -> ComposeResult:
        """Compose buttons for the keys, because some terminals use F10 themselves."""
        with Horizontal(classes="buttons"):
            yield Button(content(Shown("Save")), id="save")
            yield Button(content(Shown("No job")), id="no-job")
            yield Button(content(Shown("Cancel")), id="leave")

    async def load(self) -> Sequence[TemplateView]:
        """Return the chosen templates in order, then proposed ones, then the others."""

        def read(practice: OpenPractice) -> list[TemplateView]:
            return templates.list_templates(practice)[0]

        if not self._all:
            listed = await self.host.worker.ask(read)
            known = {view.uuid for view in listed}
            missing = [
                TemplateView(uuid=uuid, name=self._names.get(uuid, uuid), gone=bool(listed), services=0)
                for uuid in self._uuids
                if uuid not in known
            ]
            self._names |= {view.uuid: view.name for view in listed}
            places = {uuid: place for place, uuid in enumerate(self._uuids)}

            def rank(view: TemplateView) -> tuple[int, int, bool]:
                last = len(self._uuids) + len(self._order)
                return places.get(view.uuid, last), self._order.get(view.uuid, last), view.gone

            shown = [view for view in (*missing, *listed) if not view.gone or view.uuid in places]
            self._all = sorted(shown, key=rank)
        return self._all

    def search_text_of(self, item: TemplateView) -> str:
        """Return name and UUID."""
        return f"{item.name} {item.uuid}"

    def name_of(self, item: TemplateView) -> str:
        """Return the name of the template."""
        return item.name

    def key_of(self, item: TemplateView) -> str:
        """Return the UUID."""
        return item.uuid

    def draw(self, item: TemplateView, line: int, columns: int) -> Line:
        """Return the line with position, name and UUID, or the one with the proposal and the services."""
        if line == 0:
            place = self._uuids.index(item.uuid) + 1 if item.uuid in self._uuids else 0
            mark = fixed(f" [{place}] " if place else " [ ] ", "good" if place else "muted")
            tags: list[Span] = [fixed("  ✗ gone in XPM", "bad")] if item.gone else []
            number = sum(each.name.casefold() == item.name.casefold() for each in self.items)
            tags += [fixed("  =name", "accent")] if number > 1 else []
            return self.name_line([mark], item.name, tags, item.uuid, columns)
        pieces: list[Span] = [fixed("     ")]
        proposal = next((each for each in self._service.proposals if each.uuid == item.uuid), None)
        if proposal is not None:
            why = "the same name" if proposal.same else f"{proposal.score}% alike"
            pieces.append(fixed(f"◇ proposed: {why}  ", "accent"))
        services = formatting.count(item.services, "service")
        pieces.append(fixed(f"used by {services}" if item.services else "not used by any service", "muted"))
        return pieces

    async def effect(self, item: TemplateView) -> list[Line]:
        """Return what enter does, and what saving would do."""
        if item.uuid in self._uuids:
            first = "enter removes it."
        elif self._uuids:
            first = f"enter adds it as number {len(self._uuids) + 1}: its tasks come after the others'."
        else:
            first = "enter adds it: jobs of this service are created with its tasks."
        found: list[Line] = [[fixed(" → ", "accent"), fixed(first)]]
        if item.gone:
            found.append([fixed(" ✗ ", "bad"), fixed("XPM no longer has it: jobs that need it are held.")])
        names = ", ".join(self._names.get(uuid, uuid) for uuid in self._uuids)
        result = f"Saving links it to {names}." if names else "Saving leaves it without a choice."
        found.append([fixed(" → ", "accent"), span(result)])
        found.append([fixed(" · ", "muted"), fixed("Existing jobs stay as they are. u undoes it.", "muted")])
        return found

    async def choose(self, item: TemplateView) -> None:
        """Add or remove the template."""
        if item.uuid in self._uuids:
            self._uuids.remove(item.uuid)
        else:
            self._uuids.append(item.uuid)
        await self.reload()
        await self.show_effect(item)

    def search(self, at: str = "") -> None:
        """Search. If XPM's list could not be read, a UUID can be entered that is not in it."""
        typed = self.field.value.strip().lower()
        if len(typed) == 36 and typed.count("-") == 4 and not any(v.uuid == typed for v in self._all):
            is_unread = not any(not view.gone for view in self._all if view.uuid not in self._uuids)
            if is_unread:
                self._names.setdefault(typed, typed)
                self.items = [TemplateView(uuid=typed, name=typed, gone=False, services=0), *self._all]
        super().search(at)

    def action_no_job(self) -> None:
        """Save that the service needs no job."""
        self.host.work(lambda: self._save(no_job=True), "choose", exclusive=True, node=self)

    def action_save(self) -> None:
        """Save the choice."""
        self.host.work(lambda: self._save(), "choose", exclusive=True, node=self)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        actions = {"save": self.action_save, "no-job": self.action_no_job}
        actions.get(event.button.id or "", self.action_leave)()

    async def _save(self, *, no_job: bool = False) -> None:
        if self.warn_if_read_only():
            return
        chosen = () if no_job else tuple(self._uuids)
        preset = {
            "service": self._service.id,
            "templates": chosen,
            "no_job": no_job,
            "clear": not chosen and not no_job,
        }
        view: ServiceLinkView = (await self.host.run_named("templates.link", preset)).value
        await self.host.refresh_status()
        names = ", ".join(ref.name for ref in view.templates)
        uses = f"uses {names}" if names else "is not linked to a job template yet"
        self.host.toast(f"{view.name} {'needs no job' if no_job else uses}.\nu undoes it.")
        self.dismiss(self._service.id)
