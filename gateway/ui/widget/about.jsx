// about.jsx - what the visitor is asked beside his message: the form before the talk, where an answer shall go
// while nobody is there, how the talk was; and answers that he may choose instead of typing.
import { useEffect, useRef, useState } from "preact/hooks";

const KINDS = {
    name: { type: "text", autocomplete: "name", maxlength: 100 },
    email: { type: "email", autocomplete: "email", inputmode: "email", maxlength: 254 },
    phone: { type: "tel", autocomplete: "tel", inputmode: "tel", maxlength: 40 },
};
const SCORES = [1, 2, 3, 4, 5];

const looksLikeMail = (text) => /^[^\s@]+@[^\s@]+\.[^\s@.]+$/.test(text);
const knows = (chat, name) => !!(chat.form?.[name] || chat.user?.[name]);

// The fields that are still to be asked before the first message; none: the composer is there.
export function askedNow(chat) {
    const open = chat.options.form?.filter((f) => !knows(chat, f.name)) ?? [];
    if (chat.formWrong && chat.options.form?.length && !chat.form) return chat.options.form;
    if (chat.options.form?.some((f) => f.name === chat.lacks)) return open.length ? open : chat.options.form;
    if (chat.form || chat.messages.length || chat.outbox.length || !chat.options.form?.length) return [];
    return open;
}

function Field({ field, value, wrong, onInput, t }) {
    const id = "f-" + field.name;
    return (
        <p class="field">
            <label for={id}>{t("field_" + field.name)}{field.must && <span aria-hidden="true"> *</span>}</label>
            <input id={id} name={field.name} value={value} required={field.must} aria-invalid={!!wrong} {...KINDS[field.name]}
                aria-describedby={wrong ? id + "-wrong" : undefined} onInput={(e) => onInput(field.name, e.currentTarget.value)} />
            {wrong && <span class="wrong" id={id + "-wrong"} role="alert">{wrong}</span>}
        </p>
    );
}

export function PreForm({ chat, t, asked, children, blocked }) {
    const [values, setValues] = useState({});
    const [wrong, setWrong] = useState({});
    const ref = useRef();
    useEffect(() => {
        if (chat.open && !matchMedia("(pointer: coarse)").matches) ref.current.querySelector("input")?.focus();
    }, [chat.open]);
    const told = chat.formWrong && chat.formWrong !== "form" ? { [chat.formWrong]: t("wrong_" + chat.formWrong) } : {};
    const submit = (e) => {
        e.preventDefault();
        const bad = {}, form = {};
        for (const { name, must } of asked) {
            const text = (values[name] ?? "").trim();
            if (text) form[name] = text;
            if (!text && must) bad[name] = t("wrong_empty");
            else if (text && name === "email" && !looksLikeMail(text)) bad[name] = t("wrong_email");
        }
        setWrong(bad);
        const first = asked.find((f) => bad[f.name]);
        if (first) ref.current.elements[first.name].focus();
        else chat.fillForm(form);
    };
    const onInput = (name, text) => {
        setValues({ ...values, [name]: text });
        if (wrong[name] || chat.formWrong) {
            chat.formWrong = "";
            setWrong({ ...wrong, [name]: "" });
        }
    };
    return (
        <form class="asks" ref={ref} onSubmit={submit} novalidate aria-label={t("formTitle")}>
            {asked.map((f) => <Field key={f.name} field={f} value={values[f.name] ?? ""} wrong={wrong[f.name] || told[f.name]} onInput={onInput} t={t} />)}
            {chat.formWrong === "form" && <p class="wrong" role="alert">{t("wrong_form")}</p>}
            {children}
            <p class="asks-end">
                <button type="submit" class="main" disabled={blocked || chat.formAsked}>{t("formStart")}</button>
                {!asked.some((f) => f.must) && <button type="button" class="plain" disabled={blocked} onClick={() => chat.fillForm({})}>{t("formSkip")}</button>}
            </p>
        </form>
    );
}

export function Answers({ chat, t, disabled }) {
    const list = chat.options.answers ?? [];
    if (!list.length) return null;
    return (
        <div class="answers" role="group" aria-label={t("answers")}>
            {list.map((text) => <button key={text} type="button" disabled={disabled} onClick={() => chat.send(text, [])}>{text}</button>)}
        </div>
    );
}

// Nobody is there: said, and where an e-mail channel stands the visitor may have the answer by e-mail.
export function Away({ chat, t }) {
    const [text, setText] = useState("");
    const [changes, setChanges] = useState(false);
    const [wrong, setWrong] = useState("");
    const last = chat.messages[chat.messages.length - 1];
    if (chat.agentsOnline !== false || last?.direction === "out") return null;
    const written = chat.messages.some((m) => m.direction === "in");
    const email = chat.form?.email;
    const bad = wrong || (chat.formWrong === "email" && t("wrong_email"));
    const submit = (e) => {
        e.preventDefault();
        if (!looksLikeMail(text.trim())) {
            setWrong(t("wrong_email"));
            e.currentTarget.elements.email.focus();
            return;
        }
        setChanges(false);
        chat.fillForm({ email: text.trim() });
    };
    return (
        <div class="away">
            <p>{chat.options.offline || t(!chat.byEmail ? "awayHere" : written && email && !changes ? "awayShort" : "awayMail")}</p>
            {chat.byEmail && written && email && !changes && (
                <p role="status">{t("mailDone", { email })} <button type="button" class="plain" onClick={() => { setText(email); setChanges(true); }}>{t("mailChange")}</button></p>
            )}
            {chat.byEmail && written && (!email || changes) && (
                <form class="mail" onSubmit={submit} novalidate>
                    <label for="away-mail">{t("mailAsk")}</label>
                    <span class="mail-line">
                        <input id="away-mail" name="email" {...KINDS.email} value={text || (changes ? "" : chat.user?.email ?? "")} aria-invalid={!!bad}
                            aria-describedby={bad ? "away-wrong" : undefined}
                            onInput={(e) => { setText(e.currentTarget.value); setWrong(""); chat.formWrong = ""; }} />
                        <button type="submit" class="main" disabled={chat.formAsked}>{t("mailSend")}</button>
                    </span>
                    {bad && <span class="wrong" id="away-wrong" role="alert">{bad}</span>}
                </form>
            )}
        </div>
    );
}

export function Rating({ chat, t }) {
    const [score, setScore] = useState(0);
    const [text, setText] = useState("");
    const [done, setDone] = useState(false);
    const form = useRef();
    useEffect(() => form.current?.scrollIntoView({ block: "nearest" }), [score > 0]); // it has grown
    if (done && chat.closed) return <div class="rating" role="status"><p>{t("rateDone")}</p></div>;
    if (!chat.asksRating()) return null;
    const submit = (e) => {
        e.preventDefault();
        if (!score) return;
        setDone(true);
        chat.rate(score, text.trim().slice(0, 1000));
    };
    return (
        <form class="rating" ref={form} onSubmit={submit}>
            <fieldset>
                <legend>{t("rateAsk")}</legend>
                <span class="stars">
                    {SCORES.map((n) => (
                        <label key={n} class={n <= score ? "lit" : ""}>
                            <input type="radio" name="score" value={n} checked={n === score} onChange={() => setScore(n)} />
                            <span class="quiet">{t("rateScore", { n })}</span>
                            <svg viewBox="0 0 24 24" aria-hidden="true"><path d="m12 3 2.8 5.8 6.2.9-4.5 4.4 1.1 6.3-5.6-3-5.6 3 1.1-6.3L3 9.7l6.2-.9z" /></svg>
                        </label>
                    ))}
                </span>
            </fieldset>
            {score > 0 && (
                <p class="field">
                    <label for="rate-text">{t("rateComment")}</label>
                    <textarea id="rate-text" rows="2" maxlength="1000" value={text} onInput={(e) => setText(e.currentTarget.value)} />
                </p>
            )}
            <p class="asks-end">
                <button type="submit" class="main" disabled={!score}>{t("rateSend")}</button>
                <button type="button" class="plain" onClick={() => chat.rate(0)}>{t("rateSkip")}</button>
            </p>
        </form>
    );
}
