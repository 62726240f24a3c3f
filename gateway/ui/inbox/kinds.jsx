// kinds.jsx - what a message may hold beside words and files: a place, a person, a poll, a list,
// buttons; and what stands above the words: whose they are, whence they were forwarded, what they
// answer.
import { useEffect, useReducer } from "preact/hooks";
import { plainName } from "../shared/links.mjs";
import { toMs } from "../shared/time.mjs";
import { useAgentName, useWords } from "./context.jsx";
import { Goods } from "./goods.jsx";
import { Icon } from "./icons.jsx";
import { gist, isLive, isMail, mapHref, ownText, quotedKind, telHref, toneOf } from "./kinds.mjs";
import { isSmall, wordsOf } from "./rich.mjs";

const TIMER_MAX_MS = 86400000;

// --- above the words -----------------------------------------------------------------------------

function Topic({ topic }) {
    const { t } = useWords();
    const name = plainName(topic.name) || t("msg.topicId", { id: plainName(topic.id) });
    return <span class="topic" title={t("msg.topic")}><Icon name="hash" size={11} />{name}</span>;
}

// Who of a group wrote it, and where in the group.
export function Who({ author, topic }) {
    const name = plainName(author?.name) || plainName(author?.address);
    return (
        <p class="msg-who">
            {author && <b class={`who-name tone-${toneOf(author.address || author.name)}`} dir="auto">{name || "?"}</b>}
            {author?.username && <span class="who-username">@{plainName(author.username)}</span>}
            {topic && <Topic topic={topic} />}
        </p>
    );
}

export function Forwarded({ forward }) {
    const { t, full } = useWords();
    const name = plainName(forward.name);
    return (
        <p class="msg-forward" title={forward.at ? full(forward.at) : undefined}>
            <Icon name="forwarded" size={14} />{name ? t("msg.forwarded", { name }) : t(forward.often ? "msg.forwardedOften" : "msg.forwardedPlain")}
        </p>
    );
}

// A message in one line.
export function useGist() {
    const { t } = useWords();
    return (m) => {
        const { text, kind } = gist(!m.text && m.html ? { ...m, text: wordsOf(m.html) } : m);
        if (!kind) return text;
        const word = t("kind." + kind);
        return text ? `${word} ${text}` : word;
    };
}

export function useSpeaker() {
    const { t } = useWords();
    const agentName = useAgentName();
    return (m) => plainName(m.author?.name) ||
        (m.direction === "in" ? plainName(m.from?.name) || t("msg.client") : agentName(m.from?.agent) || plainName(m.from?.name) || "");
}

// replied: the answered message, where it is loaded; jump(message) goes to it.
export function Quote({ quote, replied, jump }) {
    const { t } = useWords();
    const gistOf = useGist();
    const speaker = useSpeaker();
    if (!quote && !replied) return <p class="quote quote-lost">{t("msg.quoteLost")}</p>;
    const kind = quotedKind(quote?.text);
    const text = kind ? t("kind." + kind) : quote?.text || gistOf(replied);
    const by = plainName(quote?.by) || (replied ? speaker(replied) : "");
    const tone = toneOf(replied?.author?.address || replied?.author?.name || by);
    const inside = (
        <>
            {by && <><b class={`who-name tone-${tone}`} dir="auto">{by}</b>{" "}</>}
            <span class="quote-text" dir="auto">{text}</span>
        </>
    );
    return replied && jump
        ? <button type="button" class="quote" onClick={() => jump(replied)} aria-label={t("msg.quoteGo", { who: by, text })}>{inside}</button>
        : <p class="quote">{inside}</p>;
}

// --- what it holds -------------------------------------------------------------------------------

// Draws again when that moment has come.
function useMoment(at) {
    const [, again] = useReducer((n) => n + 1, 0);
    useEffect(() => {
        const ms = toMs(at) - Date.now();
        if (!(ms > 0)) return undefined;
        const timer = setTimeout(again, Math.min(ms + 500, TIMER_MAX_MS));
        return () => clearTimeout(timer);
    }, [at]);
}

function Place({ place }) {
    const { t, clock, full } = useWords();
    useMoment(place.live_until);
    const live = isLive(place, Date.now());
    const name = plainName(place.name) || t(place.live_until ? "msg.locationLive" : "msg.location");
    const spot = `${Number(place.lat).toFixed(5)}, ${Number(place.lon).toFixed(5)}`;
    return (
        <div class="kind-card">
            <span class={`kind-icon${live ? " kind-live" : ""}`}><Icon name="pin" size={20} /></span>
            <div class="kind-main">
                <b dir="auto">{name}</b>
                {place.address && <span dir="auto">{plainName(place.address)}</span>}
                {place.live_until && (
                    <span class={live ? "good" : ""} title={full(place.live_until)}>
                        {t(live ? "msg.liveUntil" : "msg.liveEnded", { at: clock(place.live_until) })}
                    </span>
                )}
                <span class="kind-small">
                    {spot}{place.accuracy > 0 && " · " + t("msg.accuracy", { n: Math.round(place.accuracy) })}
                </span>
                <a href={mapHref(place)} target="_blank" rel="noopener noreferrer">{t("msg.map")}</a>
            </div>
        </div>
    );
}

function Contact({ contact }) {
    const { t } = useWords();
    const href = telHref(contact.phone);
    const phone = plainName(contact.phone);
    return (
        <div class="kind-card">
            <span class="kind-icon"><Icon name="mine" size={20} /></span>
            <div class="kind-main">
                <b dir="auto">{plainName(contact.name) || t("msg.contact")}</b>
                {phone && (href ? <a href={href}>{phone}</a> : <span>{phone}</span>)}
                {contact.own && <span class="kind-own"><Icon name="verified" size={15} />{t("msg.ownNumber")}</span>}
            </div>
        </div>
    );
}

function Poll({ poll }) {
    const { t } = useWords();
    const options = poll.options ?? [];
    const all = options.reduce((n, o) => n + (o.votes || 0), 0);
    return (
        <div class="kind-list">
            <p class="kind-title" dir="auto"><Icon name="poll" size={16} />{poll.question}</p>
            <ul>
                {options.map((o, i) => (
                    <li key={i} class="poll-option">
                        <span dir="auto">{o.text}</span><span class="poll-votes">{o.votes || 0}</span>
                        <i class="poll-bar" aria-hidden="true" style={{ width: `${all ? Math.round(((o.votes || 0) / all) * 100) : 0}%` }} />
                    </li>
                ))}
            </ul>
            <p class="kind-small">{t("msg.votes", { n: all })}{poll.closed && " · " + t("msg.pollClosed")}</p>
        </div>
    );
}

function Checklist({ list }) {
    const { t } = useWords();
    const tasks = list.tasks ?? [];
    const done = tasks.filter((task) => task.done).length;
    return (
        <div class="kind-list">
            <p class="kind-title" dir="auto"><Icon name="checklist" size={16} />{list.title}</p>
            <ul>
                {tasks.map((task, i) => (
                    <li key={i} class={`task${task.done ? " task-done" : ""}`}>
                        <span class="task-box" role="img" aria-label={t(task.done ? "msg.taskDone" : "msg.taskOpen")}>
                            {task.done && <Icon name="check" size={13} />}
                        </span>
                        <span dir="auto">{task.text}</span>
                    </li>
                ))}
            </ul>
            <p class="kind-small">{t("msg.tasksDone", { done, all: tasks.length })}</p>
        </div>
    );
}

// Our own buttons as the client sees them; nobody can press them here.
export function Buttons({ rows, request }) {
    const { t } = useWords();
    return (
        <div class="keys-sent" role="group" aria-label={t("msg.buttons")}>
            {(rows ?? []).map((row, i) => (
                <div key={i}>
                    {row.map((b, k) => (
                        <span key={k} class="key-sent" title={b.url || undefined} dir="auto">
                            {b.text}{b.url && <Icon name="outside" size={12} />}
                        </span>
                    ))}
                </div>
            ))}
            {request === "contact" && <div><span class="key-sent"><Icon name="phone" size={14} />{t("msg.askedPhone")}</span></div>}
        </div>
    );
}

export function Kinds({ message: m }) {
    return (
        <>
            {m.location && <Place place={m.location} />}
            {m.contact && <Contact contact={m.contact} />}
            {m.poll && <Poll poll={m.poll} />}
            {m.checklist && <Checklist list={m.checklist} />}
            <Goods message={m} />
        </>
    );
}

// The client pressed one of our buttons.
export function Press({ text, more }) {
    const { t } = useWords();
    return (
        <p class="press">
            <Icon name="press" size={16} />
            <span><span class="press-word">{t("msg.pressed")}</span> <b class="press-text" dir="auto">{text}</b>{more && <span class="press-more" dir="auto">{more}</span>}</span>
        </p>
    );
}

// How the words of a message are to be shown: {html} or {text}.
export function wording(m) {
    if (m.html && (!isMail(m) || isSmall(m.html))) return { html: m.html };
    return { text: ownText(m) || (m.html ? wordsOf(m.html) : "") };
}
