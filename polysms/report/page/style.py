"""What the page looks like: light and dark, on a phone, on a desk and on paper.

Every colour of a word has a contrast of 4.5 or more to what it stands on, and so has every colour
of an account, in both schemes. No word is smaller than 13 pixels.
"""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark;
  --page: #ffffff; --card: #f5f6f8; --ink: #1b1f24; --soft: #535b66; --edge: #c9ced6;
  --link: #0a5fb4; --grave: #a1260d; --grave-page: #fdf0ec;
  --c0: #0a5fb4; --c1: #b8420b; --c2: #007a55; --c3: #8b2f8f;
  --c4: #7d6000; --c5: #4a4f57; --c6: #c2185b; --c7: #00708a; }
@media screen and (prefers-color-scheme: dark) { :root {
  --page: #12161c; --card: #1b2129; --ink: #e8ebef; --soft: #a8b1bd; --edge: #414b58;
  --link: #6cb2ff; --grave: #ff9e85; --grave-page: #2d1a16;
  --c0: #6cb2ff; --c1: #ff9248; --c2: #3fd09e; --c3: #e08be8;
  --c4: #e6c84a; --c5: #c3cad3; --c6: #ff8fb0; --c7: #5fd3ec; } }
.ink0 { --own: var(--c0) } .ink1 { --own: var(--c1) } .ink2 { --own: var(--c2) }
.ink3 { --own: var(--c3) } .ink4 { --own: var(--c4) } .ink5 { --own: var(--c5) }
.ink6 { --own: var(--c6) } .ink7 { --own: var(--c7) }
* { box-sizing: border-box }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100% }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif }
main, .top { max-width: 56rem; margin: 0 auto; padding: 0 1rem; overflow-wrap: anywhere }
.top { padding-top: 2rem } main { padding-bottom: 4rem }
h1 { font-size: clamp(1.6rem, 5vw, 2.4rem); line-height: 1.15; margin: 0 0 .5rem }
h2 { font-size: 1.35rem; line-height: 1.25; margin: 3rem 0 .25rem; padding-top: .9rem;
  border-top: 2px solid var(--ink) }
h3 { font-size: 1.05rem; margin: 1.75rem 0 .5rem } h4 { margin: 1.1rem 0 .25rem }
.top h2 { margin-top: 1.75rem } figure > :first-child { margin-top: 0 }
p, li { max-width: 44rem } ul, ol { padding-left: 1.25rem; margin: .5rem 0 }
li + li { margin-top: .25rem }
.soft, figcaption, .top > p { color: var(--soft) }
figure { margin: 1rem 0 1.5rem }
figcaption { margin: .6rem 0 0; max-width: 44rem; font-size: .9rem }
code { font-family: ui-monospace, "Liberation Mono", monospace; font-size: .92em }
nav ul { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .25rem 1.1rem }
nav li + li { margin: 0 } a { color: var(--link) }
nav a { display: inline-block; padding: .2rem 0 }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 2px }
.grave { border-left: 5px solid var(--grave); background: var(--grave-page);
  padding: .75rem 1rem; margin: 1.25rem 0 }
.grave h2 { border: 0; margin: 0; padding: 0; font-size: 1.1rem; color: var(--grave) }
.grave ul { margin: 0 } .grave li, .verdict p, .verdict li { max-width: none }
.verdict { background: var(--card); padding: .9rem 1rem; margin: .75rem 0 }
.verdict > p:first-child { font-size: 1.15rem; line-height: 1.4; font-weight: 600; margin: 0 }
.verdict ul { margin-bottom: 0 } ul.verdict { padding-left: 2.25rem }
summary { cursor: pointer; padding: .35rem 0; font-weight: 600; color: var(--link) }
.key { display: inline-flex; align-items: center; gap: .2rem; white-space: nowrap }
.key svg { flex: none; overflow: visible } .key b { min-width: .8em }
.name { display: inline-flex; align-items: center; gap: .35rem }
.name bdi { overflow-wrap: anywhere }
.keys { list-style: none; padding: 0; display: grid; gap: .2rem 1.5rem; margin: .75rem 0 0;
  grid-template-columns: repeat(auto-fill, minmax(min(19rem, 100%), 1fr)) }
.keys li { margin: 0; display: flex; align-items: center; gap: .35rem }
svg { display: block; overflow: visible } svg text { fill: var(--ink); font-size: 13px }
svg.cut { overflow: hidden } .band, .field { width: 100% } .at { overflow: visible }
.grid { stroke: var(--edge); stroke-width: 1; opacity: .75 }
.zero { stroke: var(--ink); stroke-width: 1.5 }
.range { stroke: var(--own); stroke-width: 5; stroke-linecap: round; opacity: .55 }
.reach { stroke: var(--own); stroke-width: 1.5 }
.mark { fill: var(--own); stroke: var(--page); stroke-width: 1.2; paint-order: stroke }
.hollow { fill: var(--page); stroke: var(--own); stroke-width: 2 }
.line { fill: none; stroke: var(--own); stroke-width: 2.5; vector-effect: non-scaling-stroke;
  stroke-linejoin: round }
.area { fill: var(--own); opacity: .16 }
.whisker { stroke: var(--own); stroke-width: 2 }
.bar { fill: var(--own) }
svg .level, svg .unit { fill: var(--soft); paint-order: stroke; stroke: var(--page);
  stroke-width: 4px; stroke-linejoin: round }
.foot text { fill: var(--soft) }
.lead { fill: none; stroke: var(--soft); stroke-width: 1 }
.letter { font-weight: 700 } text.letter { paint-order: stroke; stroke: var(--page);
  stroke-width: 3px }
.plot { display: flex; padding-top: 1rem } .plot .field { flex: 1; min-width: 0 }
.ends { width: 1.9rem; flex: none } .roomy { display: none }
.strip { display: grid; grid-template-columns: 1fr; margin: 0 0 .35rem }
.strip .who { display: flex; flex-wrap: wrap; align-items: center; gap: 0 .4rem }
.says { color: var(--soft); font-size: .95rem; font-variant-numeric: tabular-nums }
.says strong { color: var(--ink) } .strip .says { order: 1 } .strip .band { order: 2 }
.sides { display: flex; justify-content: space-between; gap: 1rem; margin: 0; width: 100%;
  font-size: .9rem; color: var(--soft) } .sides span:last-child { text-align: right }
.bars { display: grid; gap: 1.25rem 2.5rem;
  grid-template-columns: repeat(auto-fill, minmax(min(19rem, 100%), 1fr)) }
.bars h3 { margin: 0 0 .25rem } .bars .row { display: grid; align-items: center; gap: .5rem;
  grid-template-columns: 3rem 1fr 8.5rem; font-size: .95rem }
.bars .row .says { text-align: left }
.box { overflow: auto; width: fit-content; max-width: 100%;
  border: 1px solid var(--edge); margin: .5rem 0; max-height: 34rem; overflow-wrap: normal }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums }
caption { text-align: left; padding: .5rem .6rem; font-weight: 600; font-size: .95rem }
caption span { font-weight: 400; color: var(--soft) }
th, td { padding: .3rem .6rem; text-align: right; vertical-align: top;
  border-top: 1px solid var(--edge) }
th { font-weight: 600; text-align: left } thead th { vertical-align: bottom }
thead th { text-align: right } td.text, th.text { text-align: left }
td { white-space: nowrap }
td.text { white-space: normal; max-width: 28rem }
thead th { position: sticky; top: 0; background: var(--page) }
th { min-width: 4.5rem; max-width: 16rem } th[scope=row], th:has(bdi) { min-width: 7rem }
th bdi { overflow-wrap: anywhere }
.tools { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; min-height: 2.2rem }
.tools [hidden] { display: none }
button { font: inherit; font-size: .9rem; color: var(--page); background: var(--link); border: 0;
  border-radius: 4px; padding: .4rem .8rem; cursor: pointer; min-height: 2.2rem }
@media (min-width: 46rem) {
  .roomy { display: inline } text.roomy { display: block } .ends { width: 10rem }
  .strip { grid-template-columns: 12rem 1fr 13.5rem; gap: 0 1rem; align-items: center; margin: 0 }
  .strip .says { order: 3 } .strip .band { grid-column: 2 } .strip .says { grid-column: 3 }
  .strip > .band { height: 100%; min-height: 34px } .axis > .band { min-height: 0; height: 20px }
  .sides { grid-column: 2 } th[scope=row] { min-width: 10rem; position: sticky; left: 0;
    background: var(--page) } }
@media print { :root { color-scheme: light } .tools, nav { display: none }
  .box { max-height: none; overflow: visible } td { white-space: normal }
  thead th, th[scope=row] { position: static }
  figure, .verdict, .grave, .strip { break-inside: avoid } h2, h3 { break-after: avoid } }
"""
