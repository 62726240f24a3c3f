// charts.jsx - lines over days or hours (uPlot), and the week as a table of shades.
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { dayMs, shade } from "./figures.mjs";

const HEIGHT = 200;
const DARK = "(prefers-color-scheme: dark)";

// As it is now, in the light or in the dark: a canvas knows no names.
function colour(name) {
    const probe = document.createElement("i");
    probe.style.color = `var(--${name})`;
    document.body.append(probe);
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
}

const MINUTE = 60, HOUR = 3600, DAY = 86400;
const TIMES = [1, 2, 5, 10, 15, 30, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR,
    6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 5 * DAY, 10 * DAY, 30 * DAY];

function axis(rest) {
    return { stroke: colour("ink-3"), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false }, font: "12px system-ui", ...rest };
}

// points: numbers of x, called `name`; series: [{label, colour, values, show: number -> text}]; of: "time" or numbers.
function options({ name, points, series, byDay, of, lang }, width) {
    const day = new Intl.DateTimeFormat(lang === "en" ? "en-GB" : lang, { day: "numeric", month: "short", timeZone: "UTC" });
    const x = (v) => (byDay ? day.format(v * 1000) : String(v).padStart(2, "0"));
    const few = byDay && points.length < 8;
    return {
        width,
        height: HEIGHT,
        legend: { live: true },
        cursor: { drag: { x: false, y: false } },
        scales: { x: { time: false }, y: { range: (u, min, max) => [0, Math.max(1, (max ?? 0) * 1.08)] } },
        axes: [
            axis({ values: (u, all) => all.map(x), space: 62, size: 34, ...(few && { splits: () => points }),
                incrs: byDay ? [1, 2, 7, 14, 28, 56].map((d) => d * DAY) : [1, 2, 3, 4, 6] }),
            axis({ values: (u, all) => all.map((v) => series[0].show(v)), size: 62, ...(of === "time" && { incrs: TIMES }) }),
        ],
        series: [
            { label: name, value: (u, v) => (v === null ? "" : x(v)) },
            ...series.map((s) => ({ label: s.label, stroke: colour(s.colour), width: 2, fill: s.fill && colour(s.fill), spanGaps: true,
                points: { show: points.length < 40, size: 6, fill: colour(s.colour) }, value: (u, v) => (v === null || v === undefined ? "—" : s.show(v)) })),
        ],
    };
}

export function Chart({ title, name, points, series, byDay, of, lang }) {
    const at = useRef(null);
    useEffect(() => {
        let plot = null;
        const draw = () => {
            plot?.destroy();
            plot = new uPlot(options({ name, points, series, byDay, of, lang }, at.current.clientWidth), [points, ...series.map((s) => s.values)], at.current);
        };
        draw();
        const watch = new ResizeObserver(() => plot.setSize({ width: at.current.clientWidth, height: HEIGHT }));
        const scheme = matchMedia(DARK);
        watch.observe(at.current);
        scheme.addEventListener("change", draw);
        return () => {
            watch.disconnect();
            scheme.removeEventListener("change", draw);
            plot.destroy();
        };
    }, [points, series, byDay, lang]);
    return (
        <figure class="report-card">
            <figcaption>{title}</figcaption>
            <div class="chart" ref={at} role="img" aria-label={title} />
        </figure>
    );
}

export const xOfDay = (day) => dayMs(day) / 1000;

// week: 7 x 24 numbers, Monday first.
export function Week({ title, week, words, lang }) {
    const name = (style) => new Intl.DateTimeFormat(lang === "en" ? "en-GB" : lang, { weekday: style, timeZone: "UTC" });
    const max = Math.max(1, ...week.flat());
    const monday = Date.UTC(2024, 0, 1);
    return (
        <figure class="report-card">
            <figcaption id="week-title">{title}</figcaption>
            <table class="week" aria-labelledby="week-title">
                <thead>
                    <tr>
                        <td />
                        {week[0].map((_, h) => <th key={h} scope="col">{h % 3 === 0 ? h : <span class="hidden">{h}</span>}</th>)}
                    </tr>
                </thead>
                <tbody>
                    {week.map((hours, d) => (
                        <tr key={d}>
                            <th scope="row">{name("short").format(monday + d * 86400000)}</th>
                            {hours.map((n, h) => (
                                <td key={h} class={"shade-" + shade(n, max)}
                                    title={words.t("week.cell", { day: name("long").format(monday + d * 86400000), hour: `${String(h).padStart(2, "0")}:00`, n })}>
                                    <span class="hidden">{n}</span>
                                </td>
                            ))}
                        </tr>
                    ))}
                </tbody>
            </table>
        </figure>
    );
}
