// channel_more.jsx - of one channel: how much came and went today, what waits, what has happened to it last.
import { useEffect, useMemo, useState } from "preact/hooks";
import { I18n } from "../shared/i18n.mjs";
import { plainName } from "../shared/links.mjs";
import { request } from "./api.mjs";
import { useProblem } from "./channel_report.jsx";
import { words } from "./channel_words.mjs";
import { useDesk, useWords } from "./context.jsx";
import { Spinner } from "./parts.jsx";

export function useChannelWords() {
    const { lang } = useWords();
    const own = useMemo(() => new I18n(lang, words[lang], words.en), [lang]);
    return (key, vars) => own.t(key, vars);
}

const path = (name, what) => `/channels/${encodeURIComponent(name)}/${what}`;
export const pauseChannel = (name, on) => request("POST", path(name, on ? "pause" : "resume"));

// Of the last 30 days of the company.
async function figuresOf(desk, name) {
    const { channels } = await desk.api.report({});
    return channels.find((c) => c.name === name);
}

export function More({ channel: c }) {
    const { t, why, full } = useWords();
    const say = useChannelWords();
    const desk = useDesk();
    const problemOf = useProblem();
    const [state, setState] = useState(null); // {events, rate, figures}, {error}
    useEffect(() => {
        let gone = false;
        const load = () => Promise.all([request("GET", path(c.name, "events")), figuresOf(desk, c.name)]).then(
            ([{ events, rate }, figures]) => gone || setState({ events, rate, figures }),
            (e) => gone || setState({ error: desk.failed(e) }));
        load();
        const timer = setInterval(load, 10000);
        return () => {
            gone = true;
            clearInterval(timer);
        };
    }, [c.name, c.state, c.paused?.at]);
    if (!state) return <p class="report-wait"><Spinner label={t("app.loading")} /></p>;
    if (state.error) return <p class="report bad">{why(state.error)}</p>;
    return (
        <div class="report channel-details">
            <dl class="figures">
                {[["rateIn", "in"], ["rateOut", "out"]].map(([word, k]) => <div key={word} data-figure={word}><dt>{say(word)}</dt><dd>{state.rate[k]}</dd></div>)}
                {["in", "out"].map((k) => <div key={k} data-figure={k}><dt>{say(k)}</dt><dd>{state.figures?.[k] ?? 0}</dd></div>)}
                <div data-figure="queue"><dt>{say("queue")}</dt><dd>{c.queue}</dd></div>
            </dl>
            <h3>{say("events")}</h3>
            {!state.events.length && <p>{say("noEvents")}</p>}
            <ul class="channel-events">
                {state.events.map((e, i) => (
                    <li key={i} data-event={e.what}>
                        <time datetime={e.at}>{full(e.at)}</time>
                        <span class={e.what === "lost" ? "bad" : undefined}>{say("event." + e.what, { by: plainName(e.by) })}{e.text && ": " + problemOf(e.text)}</span>
                    </li>
                ))}
            </ul>
        </div>
    );
}
