"use strict"

// Light, dark, or as the system says; remembered on this machine.
const themes = ["auto", "light", "dark"]
document.getElementById("theme").addEventListener("click", () => {
  const root = document.documentElement
  root.dataset.theme = themes[(themes.indexOf(root.dataset.theme) + 1) % themes.length]
  try { localStorage.setItem("theme", root.dataset.theme) } catch (error) { /* pages opened from a folder */ }
})

// On a narrow screen the list of pages begins closed; on a wide one it is always open.
const narrow = matchMedia("(max-width: 52rem)")
const menu = document.querySelector(".menu")
menu.open = !narrow.matches
narrow.addEventListener("change", () => { menu.open = !narrow.matches })

// Search in the index that was loaded with the page: no server, and no request, is needed.
const input = document.getElementById("search")
const found = document.getElementById("found")
const base = document.body.dataset.base
let index = null
let pages = {}

// Guides come before long lists of reference, and a page before its parts.
function weight(location) {
  const lists = /^(json|verbs|settings|keys|states|words|changes|exit-codes)\.html|^adr/
  return (lists.test(location) ? 0.3 : 1) * (location.includes("#") ? 1 : 2)
}

function build() {
  if (index) return
  pages = Object.fromEntries(SEARCH_INDEX.docs.map((each) => [each.location, each]))
  index = lunr(function () {
    this.pipeline.reset()  // words as they stand: a word that is typed half is completed, and none is left out
    this.pipeline.add(lunr.trimmer)
    this.searchPipeline.reset()
    this.ref("location")
    this.field("title", { boost: 10 })
    this.field("text")
    for (const each of SEARCH_INDEX.docs) this.add(each, { boost: weight(each.location) })
  })
}

function search() {
  const words = input.value.trim().toLowerCase().split(/[^\p{L}\p{N}_]+/u).filter(Boolean)
  found.hidden = !words.length
  if (!words.length) return
  build()
  const hits = index.query((query) => {
    for (const word of words) {
      query.term(lunr.tokenizer(word), { boost: 10, presence: lunr.Query.presence.REQUIRED, wildcard: lunr.Query.wildcard.TRAILING })
      query.term(lunr.tokenizer(word), { boost: 100 })
    }
  })
  const seen = new Set()  // a page and its first heading have the same title
  const shown = hits.map((hit) => pages[hit.ref]).filter((page) => {
    const name = page.location.split("#")[0] + page.title
    return !seen.has(name) && seen.add(name)
  })
  found.replaceChildren(...shown.slice(0, 12).map((page) => entry(page, words[0])))
  if (!hits.length) found.replaceChildren(Object.assign(document.createElement("p"), { textContent: "No page has all of these words." }))
}

function entry(page, word) {
  page.text = page.text.replace(/ ?¶/g, "")
  const at = Math.max(0, page.text.toLowerCase().indexOf(word) - 40)
  const link = Object.assign(document.createElement("a"), { href: `${base}/${page.location}` })
  const text = Object.assign(document.createElement("small"), { textContent: page.text.slice(at, at + 160) })
  link.append(page.title, text)
  return link
}

input.addEventListener("input", search)
input.addEventListener("focus", search)
document.addEventListener("click", (event) => { if (!event.target.closest(".search")) found.hidden = true })
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") found.hidden = true
  if (event.key === "/" && document.activeElement !== input) { event.preventDefault(); input.focus() }
  if (event.key === "Enter" && document.activeElement === input) found.querySelector("a")?.click()
  if (event.key === "ArrowDown" && found.contains(document.activeElement.closest("a") || input) || event.key === "ArrowDown" && document.activeElement === input) {
    event.preventDefault();
    (document.activeElement === input ? found.querySelector("a") : document.activeElement.nextElementSibling)?.focus()
  }
})

// A button that copies a block of commands.
for (const block of document.querySelectorAll("pre")) {
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Copy" })
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(block.querySelector("code").textContent.trimEnd())
    button.textContent = "Copied"
    setTimeout(() => { button.textContent = "Copy" }, 1500)
  })
  block.append(button)
}
