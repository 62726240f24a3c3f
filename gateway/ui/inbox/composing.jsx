// composing.jsx - what a message in the making has beside its words: what it answers, what it changes,
// choices for the client, the wish for a phone number.
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { useDesk, useStore, useWords } from "./context.jsx";
import { Icon } from "./icons.jsx";
import { useGist, useSpeaker } from "./kinds.jsx";
import { CHOICES_MAX, CHOICE_MAX, reachable } from "./kinds.mjs";
import { Late } from "./late.jsx";
import { IconButton, Menu } from "./parts.jsx";

const NOTHING = {};
const NO_CAPS = [];

export const useCompose = (thread) => useStore((db) => db.compose.get(thread)) ?? NOTHING;

export const useCaps = (channel) => useStore((db) => db.channels.find((c) => c.name === channel)?.caps) ?? NO_CAPS;

// Which channel the answer takes: where the client wrote last, or what was chosen since. {via: the thread as if he had written
// there, choices: names}.
export function useVia(thread) {
    const channels = useStore((db) => db.channels);
    const identities = useStore((db) => db.clients.get(thread.client?.id)?.identities);
    const { channel, channelOf } = useCompose(thread.id);
    const choices = useMemo(() => reachable(channels, identities, thread.channel), [channels, identities, thread.channel]);
    const chosen = channelOf === thread.channel && choices.includes(channel) ? channel : thread.channel;
    const via = useMemo(() => (chosen === thread.channel ? thread : { ...thread, channel: chosen }), [thread, chosen]);
    return { via, choices };
}

export function ViaMenu({ thread, via, choices }) {
    const { t } = useWords();
    const desk = useDesk();
    if (choices.length < 2) return null;
    const items = choices.map((name) => ({ label: name, checked: name === via.channel,
        run: () => desk.compose(thread.id, { channel: name, channelOf: thread.channel, reply: null }) }));
    return (
        <Menu label={`${t("composer.channel")}: ${via.channel}`} items={items} class={`channel-open${via === thread ? "" : " channel-other"}`} align="up">
            <Icon name="channels" size={17} /><span>{via.channel}</span>
        </Menu>
    );
}

// Above the text: which message is answered or changed, and the way out.
export function AboutBar({ message, editing, onClose }) {
    const { t } = useWords();
    const gistOf = useGist();
    const speaker = useSpeaker();
    const lost = editing && message.html;
    return (
        <div class="about-bar">
            <Icon name={editing ? "edit" : "reply"} size={18} />
            <span class="about-main">
                <b dir="auto">{editing ? t("composer.editing") : t("composer.answering", { who: speaker(message) || t("msg.you") })}</b>
                <span dir="auto">{lost ? t("composer.formatLost") : gistOf(message)}</span>
            </span>
            <IconButton icon="x" size={17} label={t(editing ? "composer.editLeave" : "composer.answerLeave")} onClick={onClose} />
        </div>
    );
}

// One line a choice. Enter goes on to the next, Backspace in an empty one goes back.
export function Choices({ lines, set, leave }) {
    const { t } = useWords();
    const box = useRef(null);
    const wanted = useRef(0);
    useLayoutEffect(() => {
        if (wanted.current === null) return;
        box.current.querySelectorAll("input")[wanted.current]?.focus();
        wanted.current = null;
    }, [lines]);
    const put = (i, count, ...more) => set([...lines.slice(0, i), ...more, ...lines.slice(i + count)]);
    const remove = (i) => {
        wanted.current = Math.max(0, i - 1);
        if (lines.length > 1) put(i, 1);
        else leave();
    };
    const onKey = (i) => (e) => {
        if (e.isComposing) return;
        if (e.key === "Enter") {
            const next = i + 1 < lines.length;
            wanted.current = i + 1;
            if (next) put(i, 1, lines[i]);
            else if (lines[i].trim() && lines.length < CHOICES_MAX) put(i + 1, 0, "");
            else leave("keep");
        } else if (e.key === "Backspace" && !lines[i] && lines.length > 1) {
            remove(i);
        } else if (e.key === "Escape") {
            leave("keep");
        } else {
            return;
        }
        e.preventDefault();
        e.stopPropagation();
    };
    return (
        <fieldset class="choices" ref={box}>
            <legend>{t("composer.choices")}</legend>
            <ol>
                {lines.map((line, i) => (
                    <li key={i}>
                        <input type="text" value={line} maxLength={CHOICE_MAX} dir="auto" placeholder={t("composer.choice", { n: i + 1 })}
                            aria-label={t("composer.choice", { n: i + 1 })} onInput={(e) => put(i, 1, e.currentTarget.value)} onKeyDown={onKey(i)} />
                        <IconButton icon="x" size={15} label={t("composer.choiceRemove", { n: i + 1 })} onClick={() => remove(i)} />
                    </li>
                ))}
            </ol>
            {lines.length < CHOICES_MAX && (
                <button type="button" class="choice-more" onClick={() => {
                    wanted.current = lines.length;
                    put(lines.length, 0, "");
                }}><Icon name="plus" size={15} />{t("composer.choiceMore")}</button>
            )}
        </fieldset>
    );
}

export function AskPhone({ onClose }) {
    const { t } = useWords();
    return (
        <p class="ask-phone">
            <Icon name="phone" size={16} /><span>{t("composer.askingPhone")}</span>
            <IconButton icon="x" size={15} label={t("composer.askPhoneLeave")} onClick={onClose} />
        </p>
    );
}

// What else may go along with the message or instead of it, where the channel can. ask: puts a text there when
// none is; template: lets one be chosen; shut: nothing but a template may go out.
export function Extras({ thread, caps, compose, ask, template, shut }) {
    const { t } = useWords();
    const desk = useDesk();
    const [giving, setGiving] = useState(null);
    const items = [];
    if (caps.includes("templates")) items.push({ label: t("template.one"), icon: "template", run: template });
    if (shut) return null;
    if (caps.includes("buttons"))
        items.push({ label: t("composer.addChoices"), icon: "choices", run: () => desk.compose(thread, { choices: compose.choices ?? [""], request: null }) });
    if (caps.includes("request_contact"))
        items.push({ label: t("composer.askPhone"), icon: "phone", run: () => {
            desk.compose(thread, { request: "contact", choices: null });
            ask(t("composer.askPhoneText"));
        } });
    if (caps.includes("location")) items.push({ label: t("give.place"), icon: "pin", run: () => setGiving("place") });
    if (caps.includes("contact")) items.push({ label: t("give.contact"), icon: "mine", run: () => setGiving("contact") });
    if (!items.length) return null;
    return (
        <>
            <Menu label={t("composer.extras")} items={items} class="icon-button" align="up"><Icon name="plus" /></Menu>
            {giving && <Late key={giving} part={giving} thread={thread} onClose={() => setGiving(null)} />}
        </>
    );
}
