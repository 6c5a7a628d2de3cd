/// The style sheet: light or dark mode, one column on phones, black on white in print.
enum ReportHTMLStyle {
    static let sheet = """
        :root { color-scheme: light dark; --paper: #ffffff; --sheet: #f5f6f8; --ink: #1b1f24; --quiet: #5b6470;
          --line: #d9dde3; --charged: #1f5fbf; --estimated: #e0a13c; }
        @media (prefers-color-scheme: dark) {
          :root { --paper: #14171b; --sheet: #1d2127; --ink: #e8eaed; --quiet: #a3abb6; --line: #343a43;
            --charged: #6ea4f4; --estimated: #d79a3c; }
        }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.45 system-ui, sans-serif; }
        main { max-width: 68rem; margin: 0 auto; padding: 2rem 1.5rem 3rem; }
        h1 { font-size: 1.7rem; margin: 0; }
        h2 { font-size: 1.15rem; margin: 2rem 0 .6rem; }
        .quiet { color: var(--quiet); font-size: .9rem; }
        header p { margin: .2rem 0 0; }
        .figures { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.4rem 0; }
        .figures div { background: var(--sheet); border-radius: .5rem; padding: .7rem .9rem; min-width: 0;
          flex: 1 1 9rem; }
        .figures .sum { flex: 3 1 19rem; }
        .figures .sum dd { font-size: 1.7rem; line-height: 1.3; }
        .figures .sum .note { color: var(--quiet); font-size: .9rem; font-weight: 400; }
        .figures dt { color: var(--quiet); font-size: .85rem; }
        .figures dd { margin: 0; font-size: 1.35rem; font-weight: 600; overflow-wrap: anywhere; }
        .figures dd, .n { font-variant-numeric: tabular-nums; }
        figure { background: var(--sheet); border-radius: .5rem; margin: 0 0 1rem; padding: 1rem; min-width: 0; }
        figcaption { font-weight: 600; margin-bottom: .7rem; }
        .pair { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; }
        svg { display: block; width: 100%; }
        .plot { display: flex; gap: .5rem; height: 13rem; }
        .plot svg { flex: 1; min-width: 0; height: 100%; overflow: visible; }
        .axis { display: flex; flex-direction: column; justify-content: space-between; text-align: right;
          margin: -.6rem 0; }
        .axis, .dates { color: var(--quiet); font-size: .8rem; font-variant-numeric: tabular-nums; }
        .axis { width: 2.6rem; }
        .dates { display: flex; justify-content: space-between; margin: .5rem 0 0 3.1rem; }
        .dates.each { display: grid; grid-template-columns: repeat(7, 1fr); text-align: center; }
        .grid { stroke: var(--line); stroke-width: 1; vector-effect: non-scaling-stroke; fill: none; }
        .charged { fill: var(--charged); background: var(--charged); }
        .estimated { fill: var(--estimated); background: var(--estimated); }
        .track { fill: var(--line); opacity: .45; }
        .bar { display: flex; flex-wrap: wrap; justify-content: space-between; gap: .1rem .8rem; margin-bottom: .7rem;
          font-size: .92rem; }
        .bar span { min-width: 0; max-width: 100%; overflow-wrap: anywhere; }
        .bar svg { flex: 0 0 100%; }
        .legend { margin: 0 0 .6rem; color: var(--quiet); font-size: .85rem; }
        .legend i { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin: 0 .35em 0 .6em; }
        .legend i:first-child { margin-left: 0; }
        table { width: 100%; border-collapse: collapse; font-size: .92rem; }
        th, td { padding: .4rem .6rem; text-align: left; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
        thead th { color: var(--quiet); font-weight: 600; overflow-wrap: normal; }
        th.n, td.n { text-align: right; overflow-wrap: normal; white-space: nowrap; }
        tbody td:not(.n) { min-width: 6.5rem; }
        .f { display: inline-block; text-align: left; color: var(--quiet); }
        tbody tr:hover { background: var(--sheet); }
        tfoot td, tfoot th { font-weight: 600; border-bottom: 0; border-top: 2px solid var(--line); }
        ul { padding-left: 1.2rem; margin: 0; }
        footer { margin-top: 2.5rem; }
        @media screen and (max-width: 44rem) {
          main { padding: 1.2rem 1rem 2rem; }
          .pair { grid-template-columns: 1fr; gap: 0; }
          .figures div { flex-basis: 8rem; }
          .figures .sum { flex-basis: 100%; }
          .plot { height: 10rem; }
          .f { min-width: 0 !important; }
          table, tbody, tfoot, tr, td, tfoot th { display: block; }
          thead { display: none; }
          tr { background: var(--sheet); border-radius: .5rem; padding: .5rem .9rem; margin-bottom: .7rem; }
          td, td.n, tfoot th { display: flex; justify-content: space-between; gap: 1rem; border: 0; padding: .12rem 0;
            text-align: right; }
          td:not(.n) { font-weight: 600; }
          td::before { content: attr(data-label); color: var(--quiet); font-weight: 400; flex: none; }
        }
        @media print {
          :root { color-scheme: light; --paper: #fff; --sheet: #fff; --ink: #000; --quiet: #444; --line: #bbb;
            --charged: #1f5fbf; --estimated: #e0a13c; font-size: 8.5pt; }
          body { font-size: 1rem; }
          main { max-width: none; padding: 0; }
          .figures { flex-wrap: nowrap; }
          .figures div { flex-basis: 6rem; }
          .plot { height: 9rem; }
          h2 { break-after: avoid; }
          figure, .figures div { border: 1px solid var(--line); break-inside: avoid; }
          th, td { padding: .25rem .4rem; }
          tr, .bar { break-inside: avoid; }
          thead { display: table-header-group; }
          svg rect { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
          .legend i { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
        }
        """
}
