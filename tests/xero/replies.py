"""Hand-made replies of Practice Manager 3.1, compact and in the wire's order."""

from __future__ import annotations

from xml.sax.saxutils import escape


def uuid(n: int) -> str:
    """The n-th UUID of the tests."""
    return f"6f2b1c50-91d7-4f2e-8a3b-{n:012x}"


def leaf(tag: str, text: str | None) -> str:
    """An element with text; nothing for None."""
    return "" if text is None else f"<{tag}>{escape(text)}</{tag}>"


def person(tag: str, n: int, name: str) -> str:
    """A staff member named in passing."""
    return f"<{tag}><UUID>{uuid(n)}</UUID><Name>{escape(name)}</Name></{tag}>"


def contact(n: int, name: str = "Jo Tane", *, email: str = "jo@kowhai.example", primary: str = "Yes") -> str:
    """A contact of a client."""
    return (
        f"<Contact><UUID>{uuid(n)}</UUID>{leaf('Name', name)}<Mobile></Mobile>"
        f"{leaf('Email', email)}<Phone></Phone>"
        f"<Salutation>Jo</Salutation><Addressee></Addressee><Position>Director</Position>"
        f"<IsPrimary>{primary}</IsPrimary><IsDeleted>No</IsDeleted></Contact>"
    )


def client(n: int = 1, name: str = "Kowhai Plumbing Pty Ltd", *, number: int | None = None) -> str:
    """A detailed client with everything that the wire shows."""
    return (
        f"<Client><UUID>{uuid(n)}</UUID>{leaf('Name', name)}<Email>office@kowhai.example</Email>"
        "<Address>Unit 4\n12 Jetty Rd</Address><City>Hobart</City><Region>TAS</Region>"
        "<PostCode>0800</PostCode>"
        "<Country>Australia</Country><PostalAddress></PostalAddress><PostalCity></PostalCity>"
        "<PostalRegion></PostalRegion><PostalPostCode></PostalPostCode><PostalCountry></PostalCountry>"
        "<Phone>03 5550 0101</Phone><Fax></Fax><Website>https://kowhai.example</Website>"
        "<ReferralSource></ReferralSource><ExportCode>1042</ExportCode><IsProspect>No</IsProspect>"
        "<IsArchived>No</IsArchived><IsDeleted>No</IsDeleted>"
        f"{person('AccountManager', 901, 'Ana Silva')}{person('JobManager', 902, 'Tom Reid')}"
        "<Type><Name>20th of Month</Name><CostMarkup>30.00</CostMarkup><PaymentTerm>DayOfMonth</PaymentTerm>"
        "<PaymentDay>20</PaymentDay></Type>"
        "<TaxNumber>******789</TaxNumber><CompanyNumber>123 456 789</CompanyNumber>"
        "<BusinessNumber>51 000 000 000</BusinessNumber><BusinessStructure>Company</BusinessStructure>"
        "<BalanceMonth>6</BalanceMonth><GSTRegistered>Yes</GSTRegistered><PrepareGST>No</PrepareGST>"
        "<AutoBasOptInCriteria><Annually>No</Annually><Opt-Out>Yes</Opt-Out></AutoBasOptInCriteria>"
        f"<ClientCode>KOW{n:02d}</ClientCode><Contacts>{contact(1000 + n)}</Contacts>"
        "<Notes><Note><Title>Phoned</Title><Text>Papers on Friday.</Text><Folder></Folder></Note></Notes>"
        f"<Groups><Group><UUID>{uuid(700)}</UUID><Name>Kowhai Group</Name></Group></Groups>"
        f"<Relationships><Relationship><UUID>{uuid(800)}</UUID><Type>Shareholder</Type>"
        f"{person('RelatedClient', 77, 'Jo Tane')}</Relationship></Relationships>"
        f"<WebUrl>https://practicemanager.xero.com/Client/{number or 14071233 + n}/Detail</WebUrl></Client>"
    )


def bare_client(n: int, name: str) -> str:
    """A client that was just added with a name only: no tax block, no e-mail, empty lists."""
    return (
        f"<Client><UUID>{uuid(n)}</UUID>{leaf('Name', name)}<Address></Address><Phone></Phone>"
        "<IsProspect>No</IsProspect>"
        "<IsArchived>No</IsArchived><IsDeleted>No</IsDeleted><Contacts /><Groups /></Client>"
    )


def job(number: str = "J000412", name: str = "2026 Annual Accounts", *, detailed: bool = True) -> str:
    """A job, detailed or as lists show it."""
    more = (
        f"<Tasks><Task><UUID>{uuid(501)}</UUID><Name>Prepare workpapers</Name>"
        f"<TaskUUID>{uuid(502)}</TaskUUID>"
        "<EstimatedMinutes>180</EstimatedMinutes><ActualMinutes>0</ActualMinutes><Description></Description>"
        "<Completed>false</Completed><Billable>true</Billable><Folder></Folder></Task></Tasks>"
        "<Milestones /><Notes />"
        if detailed
        else ""
    )
    return (
        f"<Job>{leaf('ID', number)}<UUID>{uuid(500)}</UUID>{leaf('Name', name)}"
        "<Description>first\nsecond</Description>"
        f"{person('Client', 1, 'Kowhai Plumbing Pty Ltd')}<ClientOrderNumber>PO 7781</ClientOrderNumber>"
        "<Budget>550.00</Budget><State>Planned</State><Type>Compliance</Type>"
        "<StartDate>2026-07-01T00:00:00</StartDate><DueDate>2026-10-31T00:00:00</DueDate>"
        f"{person('Manager', 902, 'Tom Reid')}<Assigned>{person('Staff', 902, 'Tom Reid')}</Assigned>{more}"
        "<WebUrl>https://app.practicemanager.xero.com/job/jobview.aspx?id=J000412</WebUrl></Job>"
    )


def response(inner: str, method: str = "Get") -> bytes:
    """A whole OK reply."""
    return f'<Response api-method="{method}"><Status>OK</Status>{inner}</Response>'.encode()


def clients(*records: str) -> bytes:
    """A client list."""
    return response(f"<Clients>{''.join(records)}</Clients>" if records else "<Clients />", "List")


def named(wrapper: str, tag: str, *names: str) -> bytes:
    """A list of records with UUID and name."""
    inner = "".join(f"<{tag}><UUID>{uuid(i)}</UUID>{leaf('Name', n)}</{tag}>" for i, n in enumerate(names, 1))
    return response(f"<{wrapper}>{inner}</{wrapper}>" if inner else f"<{wrapper} />", "List")


def error(words: str) -> bytes:
    """An ERROR envelope."""
    return (
        f'<Response api-method="Get"><Status>ERROR</Status>{leaf("ErrorDescription", words)}</Response>'
    ).encode()
