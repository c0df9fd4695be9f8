"""The Templates area: services with their job templates, and the gaps between them."""

from __future__ import annotations

from typing import Any, ClassVar

from xpm_tui.application.jobs import services as job_defaults
from xpm_tui.application.jobs import templates
from xpm_tui.application.jobs.views import (
    CategoryView,
    CoverageView,
    DefaultView,
    ServiceLinkView,
    TemplateRow,
)
from xpm_tui.application.practice import ListState, OpenPractice, list_state
from xpm_tui.application.presenters.views import ServiceView
from xpm_tui.commands.command import Situation
from xpm_tui.commands.registry import by_name
from xpm_tui.domain import formatting
from xpm_tui.lazy import lazy_imports
from xpm_tui.tui.dialogs.screen_dialogue import accept_same_names
from xpm_tui.tui.screens.base import FilteredArea
from xpm_tui.tui.widgets.cells import Line, Span, fixed, span
from xpm_tui.tui.widgets.comparison import DetailPane, sentence
from xpm_tui.tui.widgets.table import Table, TableColumn

with lazy_imports():
    from xpm_tui.commands import templates as commands_templates
    from xpm_tui.settings import kinds as kinds_of_settings
    from xpm_tui.settings import schema
    from xpm_tui.tui import app_protocol
    from xpm_tui.tui.dialogs import dialog
    from xpm_tui.tui.screens import service_templates

_TemplatesData = tuple[
    list[TemplateRow], int, CoverageView, ListState, list[DefaultView], list[CategoryView], list[str]
]
"""What the area reads at once."""


class TemplatesArea(FilteredArea):
    """The area: services, templates that no service uses, and names on proposals that are not services."""

    AREA = "templates"
    ABOUT = (
        "The services of the library, each with its XPM job templates: none, one or several, in order. “No "
        "job” is a choice, too. A template is proposed by its name and never linked automatically. XPM "
        "gives only a template's name: changes to its tasks cannot be seen. Below the services are "
        "templates without a service, and names on proposals that are not services. The defaults for new "
        "jobs are shown above and can be changed."
    )
    FILTERS: ClassVar = tuple(
        (name, name if name in ("open", "gone", "unused") else label) for name, label in templates.FILTERS
    )
    FIND = "name of a service or template, id or UUID"

    def __init__(self) -> None:
        super().__init__()
        self.table: Table[TemplateRow] = Table(
            (
                TableColumn("Service", 24, grow=2),
                TableColumn("Id", 5, drop=1, whole=True),
                TableColumn("Job templates", 26, grow=3, look="xpm"),
                TableColumn("Proposals", 9, right=True, drop=2),
            ),
            self._cells,
            lambda row: row.key,
            id="services",
        )
        self.detail: DetailPane = DetailPane()
        self._categories: list[CategoryView] = []
        self._defaults: list[DefaultView] = []

    async def load(self) -> None:
        """Read the rows that match the filters, and the settings for new jobs."""

        def read(practice: OpenPractice, only: str, text: str) -> _TemplatesData:
            rows, total, cover = templates.list_rows(practice, only=only, text=text)
            return (
                rows,
                total,
                cover,
                list_state(practice.snapshot(), "templates"),
                job_defaults.defaults(practice),
                job_defaults.categories(practice),
                job_defaults.describe_missing_templates(practice.snapshot()),
            )

        found = await self.host.worker.ask(read, self.filter_name, self.search_text)
        rows, total, cover, state, self._defaults, self._categories, gone = found
        self.show_counts(len(rows), total)
        self.show_note(self._notes(state, gone))
        self.table.say_empty(self._empty_text(total, cover, state))
        self.table.show(rows, query=self.criteria)
        self.focus_table()

    def _notes(self, state: ListState, gone: list[str]) -> list[Line]:
        """Return warnings about missing templates and unreadable lists, and the settings for new jobs."""
        found: list[Line] = [sentence(" ✗", "bad", each) for each in gone[:1]]
        if len(gone) > 1:
            found = [sentence(" ✗", "bad", f"{gone[0]} And {len(gone) - 1} more: ] goes to “gone”.")]
        found += [sentence(" ✗", "bad", each.trouble) for each in self._defaults if each.trouble]
        if state.note:
            found.append(sentence(" !", "warn", f"{state.note} You can type a UUID: m."))
        jobs: list[Span] = [fixed(" New jobs: ", "muted")]
        for place, each in enumerate(self._defaults):
            comma = ", " if place else ""
            label = "" if each.key == "jobs.days_early" else f"{each.label} "
            jobs += [fixed(f"{comma}{label}", "muted"), span(each.value)]
        return [*found[:2], jobs]

    def _empty_text(self, total: int, cover: CoverageView, state: ListState) -> str:
        if total:
            return "Nothing matches this filter. esc shows all again."
        if state.at is None and not cover.note:
            hint = "XPM's job templates have not been read yet. A plan reads them: g s, then n. "
        else:
            hint = ""
        return hint + (
            "There are no services yet. Press n to add one, or : and import Ignition's services file."
        )

    def _cells(self, row: TemplateRow) -> list[Line]:
        first = self.mark_search(span(row.name).text)
        service = row.service
        if service is None and row.template:
            return [
                [fixed("–", "muted")],
                [],
                [fixed("· ", "muted"), *first, fixed("  not used", "muted")],
                [],
            ]
        if service is None:
            return [first, [], [fixed("! ", "warn"), fixed("on proposals, no service", "muted")], []]
        number = service.on_proposals
        return [
            first,
            [fixed(service.id, "muted")],
            template_cell(service),
            [fixed(f"{number:,}" if number else "–", "" if number else "muted")],
        ]

    def show_details(self, item: TemplateRow | None) -> None:
        """Show the templates of the selected service; clear the details if there is no row."""
        if item is None:
            self.detail.show(None)
            return
        categories = list(self._categories)
        number = [span(item.service.id, "ignition")] if item.service is not None else []
        self.detail.show(lambda columns: row_lines(item, categories), [span(item.name)], number)

    # -- commands -------------------------------------------------------------------------------------------

    @property
    def service(self) -> ServiceLinkView | None:
        """The selected service; None if the row is a template or only a name."""
        return self.table.item.service if self.table.item else None

    def situation(self) -> Situation:
        """Return the situation with the selected service."""
        return self.host.situation(self.AREA, record=self.service.id if self.service else "")

    def preset(self, command: str) -> dict[str, Any]:
        """Return the selected service as the parameter of commands about a service."""
        return {"service": self.service.id} if self.service and command != "services.new" else {}

    def _require_service(self) -> ServiceLinkView | None:
        """Return the selected service; without one, say what to do."""
        if self.service is None:
            row = self.table.item
            reason = (
                "No service uses this template: link one to it."
                if row and row.template
                else "The library has no service with this name: press n to add it, or import the file."
                if row
                else "Select a service, or press n to add one."
            )
            self.host.toast(reason, "warning")
        return self.service

    def do_templates_link(self) -> None:
        """Choose templates, in order."""
        service = self._require_service()
        if service is not None:
            self.app.push_screen(service_templates.ServiceTemplates(service))

    def _run_without_asking(self, command: str) -> None:
        service = self._require_service()
        if service is not None:
            self.host.perform(by_name(command), {"service": service.id}, ask=False)

    def do_templates_no_job(self) -> None:
        """Mark the service as needing no job, without asking, because that can be undone."""
        self._run_without_asking("templates.no_job")

    def do_templates_clear(self) -> None:
        """Clear the choice without asking, because that can be undone."""
        self._run_without_asking("templates.clear")

    def do_templates_accept(self) -> None:
        """Link all services to the template of the same name, after asking with their count."""
        self.host.work(lambda: accept_same_names(self.host), "accept", exclusive=True, node=self)

    def do_templates_undo(self) -> None:
        """Undo the last change to the services."""
        self.host.perform(by_name("templates.undo"), {}, ask=False)

    def do_services_new(self) -> None:
        """Create a service; the name selected on proposals is filled in."""
        row = self.table.item
        fields = [("name", "Name", row.unknown if row else ""), ("price", "Price", "")]
        about = "A service of the library here; an export brings it to Ignition."
        sheet = app_protocol.EditSheet("Add a service", about, fields, new=True)
        self.host.perform(by_name("services.new"), {}, sheet=sheet)

    def do_services_edit(self) -> None:
        """Edit the name and columns of the service."""
        service = self._require_service()
        if service is not None:
            self.host.work(lambda: self._edit(service), "edit", node=self)

    async def _edit(self, service: ServiceLinkView) -> None:
        def find(practice: OpenPractice) -> ServiceView | None:
            return next(
                (each for each in job_defaults.list_services(practice) if each.id == service.id), None
            )

        now = await self.host.worker.ask(find)
        if now is None:
            return
        columns = {name.casefold(): name for name in (*job_defaults.COLUMNS, *now.fields)}
        values = _service_values(now)
        fields = [("name", "Name", now.name)]
        fields += [(key, name, values.get(key, "")) for key, name in columns.items()]
        about = "This changes the library here; an export brings it to Ignition."
        sheet = app_protocol.EditSheet(
            f"Edit {now.name}", about, fields, read=lambda practice: _service_values(find(practice))
        )
        self.host.perform(by_name("services.edit"), {"service": service.id}, sheet=sheet)

    def do_templates_defaults(self) -> None:
        """Choose a setting for new jobs, then its value."""
        self.host.work(lambda: self._change_default(), "defaults", exclusive=True, node=self)

    async def _change_default(self) -> None:
        defaults: list[DefaultView]
        categories: list[CategoryView]
        defaults, categories = (await self.host.run_named("templates.defaults", {})).value
        shown = [(each.key, f"{each.label:<9} {each.value}") for each in defaults]
        question = "Defaults for new jobs. Which one do you want to change?"
        key: str | None = await self.app.push_screen_wait(
            dialog.ChoiceDialog(question, shown, title="New jobs")
        )
        if key is None:
            return
        value: str | None
        setting = schema.entry(key)
        now = self.host.worker.practice.settings.item(key).shown
        names = dict.fromkeys(each.name for each in categories if not each.gone)
        options: list[tuple[str, str]] = []
        if key == job_defaults.CATEGORY and names:
            options = [("", "none"), *((name, name) for name in names)]
        elif choices := kinds_of_settings.setting_choices(key, setting.kind.words):
            options = [(word, label.text) for word, label in choices.items()]
        if options:
            value = await self.app.push_screen_wait(
                dialog.ChoiceDialog(setting.help, options, title=setting.label, start=now)
            )
        else:
            prompt = f"{setting.help}\n\n{setting.kind.words}"
            value = await self.app.push_screen_wait(
                dialog.InputDialog(prompt, title=setting.label, value=now)
            )
        if value is not None and value != now:
            preset = {"key": key, "value": value}
            self.host.perform(
                by_name("settings.set"), preset, ask=False, after=lambda: self.refresh_data(force=True)
            )

    def do_templates_copy(self) -> None:
        """Copy the ids that support asks for."""
        row = self.table.item
        if row is not None:
            self.host.copy_command("templates.copy", {"service": row.key})


def template_cell(service: ServiceLinkView) -> Line:
    """Return the templates of a service, with a symbol."""
    if service.no_job:
        return [fixed("– no job, by choice", "muted")]
    if service.templates:
        gone = {ref.id for ref in service.gone}
        found: list[Span] = [fixed("✗ ", "bad") if gone else fixed("● ", "good")]
        for place, ref in enumerate(service.templates):
            found += [fixed(", " if place else ""), span(ref.name, "bad" if ref.id in gone else "")]
        return found
    if service.proposals:
        first = service.proposals[0]
        how = "same name" if first.same else "maybe"
        return [fixed(f"◇ {how}: ", "accent" if first.same else "warn"), span(first.name)]
    return [fixed("○ nothing chosen", "warn")]


def row_lines(row: TemplateRow, categories: list[CategoryView]) -> list[Line]:
    """Return the templates of a service, or what is missing in a row without one."""
    service = row.service
    found: list[Line] = []
    if row.template is not None:
        found.append(sentence("·", "muted", "An XPM job template that no service uses."))
        found.append([span(row.template.uuid, "muted")])
    elif row.unknown:
        text = "Proposals name this service, but it is not in the library: their jobs get no tasks for it."
        found.append(sentence("!", "warn", text))
        found.append(
            [fixed("n", "accent"), fixed(" creates it, or import Ignition's services file", "muted")]
        )
    elif service is not None:
        found += _template_lines(service)
        if service.on_proposals:
            text = f"On {formatting.count(service.on_proposals, 'proposal')}."
            found.append(sentence("·", "muted", text))
    named = [f"{each.name} (gone)" if each.gone else each.name for each in categories]
    if named:
        found.append([fixed("XPM's job categories: ", "muted"), span(", ".join(named))])
    return found


def _service_values(service: ServiceView | None) -> dict[str, str]:
    """Return the name and the columns of a service; nothing for one that was deleted."""
    if service is None:
        return {}
    return {**{name.casefold(): text for name, text in service.fields.items()}, "name": service.name}


def _template_lines(service: ServiceLinkView) -> list[Line]:
    """Return the linked templates in their order; without any, the proposed ones."""
    gone = {ref.id for ref in service.gone}
    found: list[Line] = []
    if service.category or service.budget:
        found.append([fixed("Its job: ", "muted"), span(commands_templates.rules_of(service))])
    for place, ref in enumerate(service.templates, 1):
        line = [fixed(f"{place}  ", "muted"), span(ref.name), span(f"  {ref.id}", "muted")]
        if ref.id in gone:
            line.append(fixed("  XPM no longer has it: the job is held. m links another", "bad"))
        found.append(line)
    if service.no_job:
        found.append(sentence("–", "muted", "No job, by choice. m links templates, del clears the choice."))
    if not service.templates and not service.no_job:
        found.append(
            sentence(
                "○",
                "warn",
                "Nothing is chosen: its jobs get no tasks, and you are asked before they are created.",
            )
        )
        found += [
            [fixed("◇ ", "accent" if each.same else "warn"), span(each.name),
             fixed(": the same name" if each.same else f": {each.score}% alike", "muted"),
             span(f"  {each.uuid}", "muted")]
            for each in service.proposals
        ]  # fmt: skip
        found.append([fixed("m", "accent"), fixed(" links it, ", "muted"), fixed("0", "accent"),
                      fixed(" marks it as needing no job", "muted")])  # fmt: skip
    return found
