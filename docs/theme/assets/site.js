"use strict"

// Light, dark, or as the system says; remembered on this machine.
const themes = ["auto", "light", "dark"]
document.getElementById("theme").addEventListener("click", () => {
  const root = document.documentElement
  root.dataset.theme = themes[(themes.indexOf(root.dataset.theme) + 1) % themes.length]
  try { localStorage.setItem("theme", root.dataset.theme) } catch (error) { /* pages opened from a folder */ }
})

// On a narrow screen the list of pages begins closed.
if (matchMedia("(max-width: 52rem)").matches) document.querySelector(".menu").open = false

// Search in the index that was loaded with the page: no server, and no request, is needed.
const input = document.getElementById("search")
const found = document.getElementById("found")
const base = document.body.dataset.base
let index = null
let pages = {}

function build() {
  if (index) return
  pages = Object.fromEntries(SEARCH_INDEX.docs.map((each) => [each.location, each]))
  index = lunr(function () {
    this.ref("location")
    this.field("title", { boost: 10 })
    this.field("text")
    for (const each of SEARCH_INDEX.docs) this.add(each)
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
  }).slice(0, 12)
  found.replaceChildren(...hits.map((hit) => entry(pages[hit.ref], words[0])))
  if (!hits.length) found.replaceChildren(Object.assign(document.createElement("p"), { textContent: "No page has all of these words." }))
}

function entry(page, word) {
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
