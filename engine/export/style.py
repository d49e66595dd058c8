"""The looks of the report in a browser: light and dark as the reader has it, black on white in print."""

STYLE = """
:root { color-scheme: light dark; --ink: #1d2430; --soft: #5c6675; --paper: #fdfdfb; --panel: #f1f2ee; --edge: #d5d8d2;
  --mark: #1f5fa8; --warm: #a8501f; --c0: #1f5fa8; --c1: #c0561b; --c2: #2f8a4c; --c3: #8b4fb0; --c4: #a58b12;
  --c5: #1c8f93; --c6: #b83a5a; --c7: #6b7280; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e7ea; --soft: #9aa4b0; --paper: #15181d; --panel: #1e2229;
  --edge: #363c46; --mark: #7db4f0; --warm: #eda06e; --c0: #7db4f0; --c1: #f0a06a; --c2: #7cc795; --c3: #c79be6;
  --c4: #d9c35a; --c5: #6cc8cb; --c6: #ec8ba4; --c7: #a6adb8; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 5rem; max-width: 54rem; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.9rem; margin: 0 0 .4rem; } h2 { margin: 2.6rem 0 .6rem; padding-top: .6rem; border-top: 1px solid
  var(--edge); font-size: 1.35rem; } h3 { margin: 1.6rem 0 .3rem; font-size: 1.05rem; } h4 { margin: 1rem 0 .2rem; }
p { margin: .4rem 0; } .soft, figcaption, .note { color: var(--soft); } .lead { font-size: 1.12rem; }
.big { font-size: 1.5rem; font-weight: 600; } .warn { color: var(--warm); }
code { font: .92em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; background: var(--panel); padding: 0 .25em;
  border-radius: 3px; }
table { border-collapse: collapse; margin: .5rem 0; font-size: .9rem; } .wide { overflow-x: auto; }
th, td { text-align: left; padding: .22rem .7rem .22rem 0; border-bottom: 1px solid var(--edge); vertical-align: top; }
th { color: var(--soft); font-weight: 600; } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
.grid td { min-width: 3.6rem; padding-left: .5rem; }
th, td.n, td.k { white-space: nowrap; overflow-wrap: normal; }
figure { margin: .8rem 0; } svg { max-width: 100%; height: auto; display: block; }
.shots { display: flex; flex-wrap: wrap; gap: .8rem; }
.shots figure { margin: 0; text-align: center; font-size: .85rem; color: var(--soft); }
.shots img { width: 6rem; height: 6rem; image-rendering: pixelated; border: 1px solid var(--edge); display: block; }
svg text { fill: var(--ink); font-size: 13px; } svg .scale { fill: var(--soft); font-size: 12px; }
svg .figure { font-variant-numeric: tabular-nums; } svg .grid { stroke: var(--edge); stroke-width: 1; }
svg .line { stroke: var(--warm); stroke-width: 1.5; stroke-dasharray: 5 4; }
svg .span { stroke: var(--mark); stroke-width: 3; opacity: .5; } svg .dot { fill: var(--mark); }
svg .bar { fill: var(--mark); opacity: .75; } svg .curve { fill: none; stroke-width: 2; }
svg .curve.c0 { stroke: var(--c0); } svg .point.c0, svg .key.c0 { fill: var(--c0); }
svg .curve.c1 { stroke: var(--c1); } svg .point.c1, svg .key.c1 { fill: var(--c1); }
svg .curve.c2 { stroke: var(--c2); } svg .point.c2, svg .key.c2 { fill: var(--c2); }
svg .curve.c3 { stroke: var(--c3); } svg .point.c3, svg .key.c3 { fill: var(--c3); }
svg .curve.c4 { stroke: var(--c4); } svg .point.c4, svg .key.c4 { fill: var(--c4); }
svg .curve.c5 { stroke: var(--c5); } svg .point.c5, svg .key.c5 { fill: var(--c5); }
svg .curve.c6 { stroke: var(--c6); } svg .point.c6, svg .key.c6 { fill: var(--c6); }
svg .curve.c7 { stroke: var(--c7); } svg .point.c7, svg .key.c7 { fill: var(--c7); }
.decision { margin: 1.1rem 0; padding: .7rem 1rem; background: var(--panel); border-radius: 6px; }
.decision.person { border-left: 4px solid var(--mark); } .decision.overruled { border-left: 4px solid var(--warm); }
.band { opacity: .45; } svg .curve.faint { stroke-dasharray: 3 4; stroke-width: 1.4; }
.good { color: var(--c2); } .lesson li { margin: .2rem 0; }
.decision h4 { margin: 0 0 .3rem; font-size: 1rem; } .answer { font-weight: 600; }
.options { margin: .4rem 0; padding-left: 1.1rem; } .options .chosen { font-weight: 600; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .5rem 0; }
dt { color: var(--soft); }
dd { margin: 0; } summary { cursor: pointer; color: var(--soft); }
.grid td { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
@media screen and (max-width: 40rem) { svg { overflow: visible; } svg text { font-size: 20px; } svg .scale {
  font-size: 18px; } dl { display: block; } dd { margin-bottom: .5rem; } .lesson { padding-left: 1.2rem; } }
@media print { :root { --ink: #000; --soft: #444; --paper: #fff; --panel: #fff; --edge: #bbb; --mark: #123e70;
  --warm: #7a3410; } body { max-width: none; padding: 0; font-size: 10.5pt; }
  .decision, figure, tr { break-inside: avoid; } h2, h3, h4 { break-after: avoid; }
  .decision { border: 1px solid #bbb; margin: .5rem 0; padding: .4rem .7rem; } .decision p { margin: .15rem 0; }
  a { color: inherit; } table { font-size: 8pt; } .wide { overflow: visible; }
  th, td, th.n, td.n, td.k { white-space: normal; padding-right: .5rem; overflow-wrap: break-word; }
  th.n, td.n { white-space: nowrap; }
  details:not([open]) > *:not(summary) { display: none; } }
"""
