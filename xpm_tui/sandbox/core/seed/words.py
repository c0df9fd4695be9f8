"""Words that sample records are put together from, invented or common; domains end in .example."""

from __future__ import annotations


def _listed(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(","))


SURNAMES = tuple(
    """
Abbott Aroha Bailey Baxter Bennett Brown Campbell Carter Chen Clarke Cooper Cruz Davies Dawson
Douglas Edwards Ellis Evans Faulkner Fisher Fletcher Foster Fraser Garcia Gibson Gordon Graham Grant
Gray Green Hamilton Harris Harvey Hassan Henare Hughes Hunter Ioane Jackson James Jensen Johnson
Jones Kaur Keane Kelly Khan King Knight Kumar Lambert Lawson Lee Lewis Lin Lloyd Macdonald Mahuta
Marsh Martin Mason Mehta Mitchell Moore Morgan Murphy Murray Nguyen Nolan O'Brien Owen Palmer Parata
Parker Patel Pham Phillips Porter Price Quinn Reid Reihana Roberts Rossi Russell Ryan Santos Schmidt
Scott Sharma Shaw Silva Simpson Singh Smith Stewart Sullivan Takahashi Tane Tau Taylor Thomas Tran
Turner Walker Walsh Wang Ward Watson White Williams Wilson Wong Wright Young Zhang
""".split()
)
FIRST_NAMES = tuple(
    """
Aisha Alex Amelia Ana Andrew Anh Anika Aria Ben Bianca Callum Charlotte Chloe Daniel David Elena
Emily Emma Ethan Finn Grace Hana Hannah Harriet Hemi Henry Isla Jack James Jo Joshua Kate Kiri
Lachlan Leila Liam Lucas Lucy Mia Mei Mere Mohammed Nadia Nathan Ngaire Noah Oliver Olivia Oscar
Priya Rachel Ravi Rosa Ruby Sam Sarah Sina Sophie Tama Thomas Tom Victoria William Xin Zara Zoe
""".split()
)
TRADES = _listed(
    """
Accounting, Air Conditioning, Apiaries, Architects, Automotive, Bakery, Boatbuilders, Bookshop,
Brewing, Builders, Cabinets, Cafe, Carpentry, Catering, Childcare, Civil, Cleaning, Coffee Roasters,
Concreting, Consulting, Contracting, Cycles, Dairy, Dental, Design, Digital, Drainage, Earthmoving,
Electrical, Engineering, Events, Excavation, Farms, Fencing, Fisheries, Fitness, Flooring, Florist,
Forestry, Freight, Furniture, Glass, Glazing, Horticulture, Hospitality, Imports, Interiors,
Irrigation, Joinery, Kitchens, Landscapes, Laundry, Legal, Logistics, Machinery, Marine, Media,
Medical, Motors, Nurseries, Orchards, Painting, Pharmacy, Physio, Plumbing, Poultry, Print,
Properties, Recruitment, Refrigeration, Removals, Robotics, Roofing, Security, Shearing, Software,
Stone, Surveyors, Tiling, Timber, Tours, Training, Transport, Vineyards, Welding, Windows
"""
)
ENDINGS = {
    "Company": ("Pty Ltd", "Ltd", "Limited", "Holdings Pty Ltd", "Group Ltd", "(Australia) Pty Ltd"),
    "Trust": ("Family Trust", "Trust", "Discretionary Trust", "Unit Trust"),
    "Partnership": ("Partnership", "& Partners"),
    "Superannuation Fund": ("Super Fund", "Superannuation Fund"),
}
STREETS = _listed(
    """
Jetty Rd, High St, Queen St, Station Rd, Church St, Victoria St, Park Ave, Mill Lane, Beach Rd,
Bridge St, Kowhai Cres, Rata St, Banksia Dr, Wattle Gr, Main North Rd, Ocean View Pde,
King William St, Collins Lane, Harbour Esplanade
"""
)
TOWNS = (
    ("Hobart", "TAS", "7000", "Australia"),
    ("Melbourne", "VIC", "3000", "Australia"),
    ("Darwin", "NT", "0800", "Australia"),
    ("Adelaide", "SA", "5000", "Australia"),
    ("Perth", "WA", "6000", "Australia"),
    ("Brisbane", "QLD", "4000", "Australia"),
    ("Sydney", "NSW", "2000", "Australia"),
    ("Auckland", "Auckland", "1010", "New Zealand"),
    ("Wellington", "Wellington", "6011", "New Zealand"),
    ("Whangārei", "Northland", "0110", "New Zealand"),
    ("Ōtautahi Christchurch", "Canterbury", "8011", "New Zealand"),
    ("Taupō", "Waikato", "3330", "New Zealand"),
    ("Dunedin", "Otago", "9016", "New Zealand"),
)
POSITIONS = (
    "Director",
    "Owner",
    "Office Manager",
    "Trustee",
    "Partner",
    "Bookkeeper",
    "Company Secretary",
    "0",
    "",
)
SOURCES = ("", "", "Referral", "Website", "Word of mouth", "Existing client", "Chamber of commerce")
NOTE_TITLES = ("Phoned", "Meeting", "Year-end papers", "Engagement letter", "Bank feeds", "Reminder sent")
NOTE_TEXTS = (
    "Will send papers Friday.",
    "Met at the office to go through the draft accounts.\nTwo questions about the vehicle are still open.",
    "Engagement letter signed and filed; next review in July.",
    "Asked for the loan statement and the closing stock figure. Prefers e-mail in the mornings.",
    "Wants to change the balance date. Explained what that takes & who has to agree.",
)
CATEGORIES = ("Advisory", "Bookkeeping", "Compliance", "Payroll", "Tax & GST", "Company Secretarial", "audit")
TASKS = (
    ("Prepare workpapers", "Collect the records and draw up the file."),
    ("Draft accounts", ""),
    ("Partner review", "Second pair of eyes.\nNo sign-off without it."),
    ("Lodge return", ""),
    ("GST return", "Two-monthly."),
    ("Bank reconciliation", ""),
    ("Payroll run", ""),
    ("Client meeting", "Agenda & minutes."),
    ("Company review", ""),
    ("Set up in Xero", ""),
)
