// page.jsx - figures of the days: how much came, how soon it was answered, by whom, when and where.
import { useEffect, useMemo, useState } from "preact/hooks";
import { I18n } from "../shared/i18n.mjs";
import { AdminPage } from "../inbox/admin_page.jsx";
import { useAgentName, useDesk, useStore, useWords } from "../inbox/context.jsx";
import { Button, Spinner } from "../inbox/parts.jsx";
import { Chart, Week, xOfDay } from "./charts.jsx";
import { daysBefore, everyDay, isSpan, span, today } from "./figures.mjs";
import { words as catalogues } from "./words.mjs";

const EACH_MS = 30000;
const PERIODS = [1, 7, 30, 90];
const TABLES = ["agents", "channels", "labels", "hours", "days"];

const timeText = (words, seconds) => {
    const { unit, n } = span(seconds);
    return words.t(unit, { n });
};

const score = (words, { average }) => (average === null ? words.t("no") : words.number(Math.round(average * 10) / 10));

function Tile({ name, title, value, more, bad }) {
    return (
        <div class="tile" data-figure={name}>
            <dt>{title}</dt>
            <dd class={bad ? "bad" : undefined}>{value}</dd>
            {more && <dd class="tile-more">{more}</dd>}
        </div>
    );
}

function Tiles({ report, words }) {
    const { short } = useWords();
    const { totals, now } = report;
    const times = (x) => (x.n ? words.t("p90", { time: timeText(words, x.p90_s) }) : null);
    return (
        <dl class="tiles">
            <Tile name="waiting" title={words.t("waiting")} bad={now.waiting > 0} value={now.waiting ? words.number(now.waiting) : words.t("nobody")}
                more={now.waiting_since && words.t("since", { at: short(now.waiting_since) })} />
            <Tile name="in" title={words.t("in")} value={words.number(totals.in)} />
            <Tile name="out" title={words.t("out")} value={words.number(totals.out)} />
            <Tile name="first" title={`${words.t("first")}, ${words.t("median")}`} value={timeText(words, totals.first.median_s)} more={times(totals.first)} />
            <Tile name="next" title={`${words.t("next")}, ${words.t("median")}`} value={timeText(words, totals.next.median_s)} more={times(totals.next)} />
            <Tile name="rated" title={words.t("rated")} value={score(words, totals.rated)} more={totals.rated.n > 0 && words.t("rated.n", { n: totals.rated.n })} />
            <Tile name="closed" title={words.t("closed")} value={words.number(totals.closed)} />
            <Tile name="lost" title={words.t("lost")} bad={totals.lost > 0} value={words.number(totals.lost)} />
            <Tile name="late" title={words.t("late")} bad={totals.late > 0} value={words.number(totals.late)} />
        </dl>
    );
}

function Charts({ report, from, to, words, lang }) {
    const byDay = from !== to;
    const [points, messages, waits] = useMemo(() => {
        const rows = byDay ? everyDay(from, to, report.days) : report.hours.map((row, h) => [h, row]);
        const number = (v) => words.number(v);
        const time = (v) => timeText(words, v);
        return [
            rows.map(([at]) => (byDay ? xOfDay(at) : at)),
            [
                { label: words.t("in"), colour: "accent", values: rows.map(([, r]) => r?.in ?? 0), show: number },
                { label: words.t("out"), colour: "good", values: rows.map(([, r]) => r?.out ?? 0), show: number },
            ],
            [{ label: words.t("first"), colour: "accent", values: rows.map(([, r]) => r?.first.median_s ?? null), show: time }],
        ];
    }, [report, from, to, lang]);
    const name = words.t(byDay ? "name.days" : "name.hours");
    return (
        <>
            <Chart title={words.t(byDay ? "byDay" : "byHour")} {...{ name, points, series: messages, byDay, lang }} />
            <Chart title={words.t(byDay ? "waitByDay" : "waitByHour")} {...{ name, points, series: waits, byDay, lang, of: "time" }} />
        </>
    );
}

function Table({ name, rows, query, words }) {
    const agentName = useAgentName();
    const id = "table-" + name;
    const nameOf = (row, i) => (name === "hours" ? `${String(i).padStart(2, "0")}:00` : name === "agents" ? agentName(row.name) : row.name);
    const shown = rows.map((row, i) => [nameOf(row, i), row]).filter(([, r]) => r.in || r.out || r.closed || r.lost || r.late || r.first.n || r.next.n);
    if (!shown.length) return null;
    const known = (what) => what === "in" ? name !== "agents" : what === "out" || what === "closed" ? name !== "labels" : true;
    const columns = ["in", "out", "first", "next", "rated", "closed", "lost", "late"].filter(known);
    const cell = (row, what) => (what === "rated" ? score(words, row.rated) : what === "first" || what === "next" ? timeText(words, row[what].median_s) : words.number(row[what]));
    return (
        <section class="report-card" data-table={name}>
            <header>
                <h2 id={id}>{words.t(name)}</h2>
                <a class="csv" href={`/api/v1/reports/${name}?${query}`} download aria-label={words.t("csv.of", { table: words.t(name) })}>{words.t("csv")}</a>
            </header>
            <div class="table-scroll" tabIndex={0} role="region" aria-labelledby={id}>
                <table class="rows" aria-labelledby={id}>
                    <thead>
                        <tr>
                            <th scope="col">{words.t("name." + name)}</th>
                            {columns.map((c) => <th key={c} scope="col">{words.t(c === "late" ? "late.short" : c)}</th>)}
                        </tr>
                    </thead>
                    <tbody>
                        {shown.map(([title, row]) => (
                            <tr key={title} data-row={row.name}>
                                <th scope="row">{title}</th>
                                {columns.map((c) => <td key={c} class={(c === "lost" || c === "late") && row[c] ? "bad" : undefined}>{cell(row, c)}</td>)}
                            </tr>
                        ))}
                    </tbody>
                </table>
            </div>
        </section>
    );
}

// Which days: a few usual spans, or two dates.
function Period({ period, setPeriod, own, setOwn, words }) {
    return (
        <div class="period">
            <div class="period-buttons" role="group" aria-label={words.t("period")}>
                {[...PERIODS, "own"].map((p) => (
                    <button key={p} type="button" aria-pressed={period === p} onClick={() => setPeriod(p)}>{words.t("days." + p)}</button>
                ))}
            </div>
            {period === "own" && (
                <div class="period-own">
                    {["from", "to"].map((end) => (
                        <label key={end}>{words.t(end)} <input type="date" name={end} value={own[end]} onInput={(e) => setOwn((was) => ({ ...was, [end]: e.target.value }))} /></label>
                    ))}
                </div>
            )}
        </div>
    );
}

export function Reports() {
    const { lang, t } = useWords();
    const role = useStore((db) => db.me?.role);
    const words = useMemo(() => new I18n(lang, catalogues[lang], catalogues.en), [lang]);
    if (role === "agent") return <AdminPage title={words.t("title")}><p role="alert">{t("error.denied")}</p></AdminPage>;
    return <Figures words={words} />;
}

function Figures({ words }) {
    const { lang, why } = useWords();
    const desk = useDesk();
    const [period, setPeriod] = useState(30);
    const [own, setOwn] = useState({ from: "", to: "" });
    const [got, setGot] = useState(null); // {report, from, to}
    const [trouble, setTrouble] = useState(null);
    const zone = got?.report.zone;
    const last = period === "own" ? own.to : today(zone);
    const first = period === "own" ? own.from : daysBefore(last, period - 1);
    const asks = isSpan(first, last);
    const choose = (p) => {
        if (p === "own" && !own.from) setOwn({ from: first, to: last });
        setPeriod(p);
    };
    useEffect(() => {
        if (!asks) return undefined;
        let gone = false;
        const load = async () => {
            try {
                const report = await desk.api.report({ from: first, to: last });
                if (!gone) {
                    setGot({ report, from: first, to: last });
                    setTrouble(null);
                }
            } catch (e) {
                if (!gone) setTrouble(desk.failed(e));
            }
        };
        load();
        const timer = setInterval(load, EACH_MS);
        return () => {
            gone = true;
            clearInterval(timer);
        };
    }, [first, last, asks]);
    const query = got && new URLSearchParams({ from: got.from, to: got.to }).toString();
    const empty = got && !TABLES.some((x) => got.report[x].some((r) => r.in || r.out || r.closed || r.late || r.first.n));
    return (
        <AdminPage title={words.t("title")} hint={zone && words.t("hint", { zone })}>
            <Period {...{ period, setPeriod: choose, own, setOwn, words }} />
            {trouble && <p class="bad" role="alert">{words.t("failed", { why: why(trouble) })}</p>}
            {!got && !trouble && <Spinner label={words.t("loading")} />}
            {got && (
                <div class="reports" data-days={`${got.from} ${got.to}`}>
                    <Tiles report={got.report} words={words} />
                    {empty ? <p class="report-none">{words.t("none")}</p> : (
                        <>
                            <Charts {...got} words={words} lang={lang} />
                            <Week title={words.t("week")} week={got.report.week} words={words} lang={lang} />
                            {TABLES.map((name) => <Table key={name} name={name} rows={got.report[name]} query={query} words={words} />)}
                        </>
                    )}
                </div>
            )}
        </AdminPage>
    );
}
