// signin.jsx - who is there? Name and password, a code where the second factor is on, and the first password's
// replacement. Every refusal is said in words beside the form.
import { useEffect, useRef, useState } from "preact/hooks";
import { useDesk, useLanguage, useStore, useWords } from "./context.jsx";
import { Icon, Logo } from "./icons.jsx";
import { Button, Field } from "./parts.jsx";

const MIN = 10;
const AGAIN_MS = 3000; // for the ways to sign in: without them there may be none

function Frame({ title, children }) {
    const { lang, setLang } = useLanguage();
    return (
        <div class="gate">
            <main class="gate-card">
                <div class="gate-head"><Logo size={40} /><span>Switchboard</span></div>
                <h1>{title}</h1>
                {children}
            </main>
            <div class="gate-lang">
                {["ru", "en"].map((l) => (
                    <button key={l} type="button" lang={l} aria-pressed={l === lang} onClick={() => setLang(l)}>
                        {{ ru: "Русский", en: "English" }[l]}
                    </button>
                ))}
            </div>
        </div>
    );
}

export function Password({ id, value, onInput, label, hint, complete, focus }) {
    const { t } = useWords();
    const [shown, show] = useState(false);
    const input = useRef(null);
    useEffect(() => {
        if (focus) input.current.focus();
    }, []);
    return (
        <Field id={id} label={label} hint={hint}>
            <span class="input-eye">
                <input id={id} ref={input} type={shown ? "text" : "password"} value={value} required
                    autocomplete={complete} onInput={(e) => onInput(e.currentTarget.value)} />
                <button type="button" aria-pressed={shown} aria-label={t("signin.show")} title={t("signin.show")}
                    onClick={() => show(!shown)}><Icon name="eye" size={18} /></button>
            </span>
        </Field>
    );
}

function refusal(e, { t, why, told }, wrong) {
    if (e.status === 0) return t("signin.offline");
    if (e.code === "second_factor") return told(e.message);
    if (e.status === 401 || (e.status === 403 && wrong !== "signin.wrong")) return t(wrong);
    if (e.status === 429) {
        const n = Math.ceil(e.retryAfterMs / 1000);
        if (n > 90) return t("signin.throttledMinutes", { n: Math.ceil(n / 60) });
        return n ? t("signin.throttledFor", { n }) : t("signin.throttled");
    }
    if (e.status >= 500) return t("signin.unavailable");
    return t("signin.refused", { why: told(why(e)) });
}

// run: sends it, and gives what is wrong in words, or nothing. wrong: the key of what a wrong password is called.
export function useForm(run, wrong) {
    const desk = useDesk();
    const words = useWords();
    const [busy, setBusy] = useState(false);
    const [error, setError] = useState("");
    const submit = async (e) => {
        e.preventDefault();
        if (busy) return;
        setBusy(true);
        setError("");
        try {
            const problem = await run();
            if (problem) setError(problem);
        } catch (failure) {
            setError(refusal(desk.failed(failure), words, wrong));
        }
        setBusy(false);
    };
    return { busy, error, submit };
}

// A code of the authenticator, or a recovery code.
export function Code({ id, value, onInput, label, hint }) {
    const input = useRef(null);
    useEffect(() => input.current.focus(), []);
    return (
        <Field id={id} label={label} hint={hint}>
            <input id={id} ref={input} type="text" class="code" value={value} required maxLength={20} autocomplete="one-time-code"
                autocapitalize="none" spellcheck={false} onInput={(e) => onInput(e.currentTarget.value)} />
        </Field>
    );
}

const OUTCOMES = ["away", "busy", "denied", "expired", "failed", "store", "unknown"];

// A button for each provider. alone: there is no other way in.
function Providers({ providers, alone }) {
    const { t } = useWords();
    useStore((db) => db.route); // where he wants to go may be another by now
    if (!providers.length) return null;
    const next = encodeURIComponent(location.pathname + location.hash);
    return (
        <div class="gate-ways">
            {!alone && <p class="gate-or"><span>{t("signin.or")}</span></p>}
            {providers.map((p) => (
                <a key={p.id} class={alone ? "button button-main" : "button button-plain"} href={`${p.url}?next=${next}`} data-provider={p.id}>
                    <span class="button-text">{t("signin.with", { name: p.name })}</span>
                </a>
            ))}
        </div>
    );
}

export function SignIn() {
    const desk = useDesk();
    const { t } = useWords();
    const refusal = OUTCOMES.includes(desk.refusal) ? t("signin.by." + desk.refusal) : "";
    const [name, setName] = useState("");
    const [password, setPassword] = useState("");
    const [code, setCode] = useState(null); // null: not asked for
    const [ways, setWays] = useState({ providers: [], password: true });
    const first = useRef(null);
    const form = useForm(async () => {
        try {
            await desk.signIn(name.trim(), password, code?.trim());
        } catch (e) {
            if (e.code !== "second_factor" || code !== null) throw e;
            setCode("");
        }
    }, "signin.wrong");
    const asks = code !== null;
    const back = () => {
        setCode(null);
        setPassword("");
    };
    useEffect(() => first.current?.focus(), [asks]);
    useEffect(() => {
        let timer;
        const ask = () => desk.api.signInWays().then(setWays, () => {
            timer = timer === null ? null : setTimeout(ask, AGAIN_MS);
        });
        ask();
        return () => {
            clearTimeout(timer);
            timer = null; // not again, when it is still being asked
        };
    }, []);
    if (!ways.password) {
        return (
            <Frame title={t("signin.title")}>
                {refusal && <p class="form-error" role="alert">{refusal}</p>}
                <Providers providers={ways.providers} alone />
            </Frame>
        );
    }
    if (asks) {
        return (
            <Frame title={t("signin.codeTitle")}>
                <form onSubmit={form.submit}>
                    <Code id="signin-code" label={t("signin.code")} hint={t("signin.codeHint")} value={code} onInput={setCode} />
                    {form.error && <p class="form-error" role="alert">{form.error}</p>}
                    <Button kind="main" type="submit" disabled={form.busy}>{form.busy ? t("signin.busy") : t("signin.submit")}</Button>
                    <Button onClick={back}>{t("nav.back")}</Button>
                </form>
            </Frame>
        );
    }
    return (
        <Frame title={t("signin.title")}>
            <form onSubmit={form.submit}>
                <Field id="signin-name" label={t("signin.name")}>
                    <input id="signin-name" ref={first} value={name} required autocomplete="username" maxLength={64}
                        autocapitalize="none" spellcheck={false} onInput={(e) => setName(e.currentTarget.value)} />
                </Field>
                <Password id="signin-password" label={t("signin.password")} value={password}
                    onInput={setPassword} complete="current-password" />
                {(form.error || refusal) && <p class="form-error" role="alert">{form.error || refusal}</p>}
                <Button kind="main" type="submit" disabled={form.busy}>
                    {form.busy ? t("signin.busy") : t("signin.submit")}
                </Button>
            </form>
            <Providers providers={ways.providers} />
        </Frame>
    );
}

export function ChoosePassword() {
    const desk = useDesk();
    const { t } = useWords();
    const name = useStore((db) => db.me?.name);
    const forced = useStore((db) => db.me?.must_change_password);
    const [old, setOld] = useState(desk.password ?? "");
    const [known] = useState(Boolean(desk.password));
    const [fresh, setFresh] = useState("");
    const [again, setAgain] = useState("");
    const form = useForm(async () => {
        if ([...fresh].length < MIN) return t("password.short");
        if (fresh === old) return t("password.same");
        if (fresh !== again) return t("password.differ");
        await desk.changePassword(old, fresh);
        return "";
    }, "password.wrong");
    return (
        <Frame title={t("password.title")}>
            {forced && <p class="gate-why">{t("password.why")}</p>}
            <form onSubmit={form.submit}>
                <input type="text" name="username" autocomplete="username" value={name} readOnly hidden />
                {!known && (
                    <Password id="password-old" label={t("password.old")} value={old} onInput={setOld}
                        complete="current-password" focus />
                )}
                <Password id="password-new" label={t("password.new")} value={fresh} onInput={setFresh}
                    hint={t("password.hint")} complete="new-password" focus={known} />
                <Password id="password-again" label={t("password.repeat")} value={again} onInput={setAgain}
                    complete="new-password" />
                {form.error && <p class="form-error" role="alert">{form.error}</p>}
                <Button kind="main" type="submit" disabled={form.busy}>{t("password.submit")}</Button>
                {!forced && <Button onClick={() => desk.leavePassword()}>{t("dialog.cancel")}</Button>}
            </form>
        </Frame>
    );
}
