// account.jsx - a person's own account: notices and looks, the second factor, the password, where one is signed in. A bundle of its own, fetched
// when it is wanted (admin_gate.jsx).
import { useEffect, useState } from "preact/hooks";
import { useDesk, useStore, useWords } from "./context.jsx";
import { AdminPage } from "./admin_page.jsx";
import { browserName } from "./account.mjs";
import { Look, Notices } from "./account_settings.jsx";
import { FactorDialog } from "./factor.jsx";
import { Button, Confirm, Spinner } from "./parts.jsx";
import "./css/account.css";

function Factor({ factor, error, load }) {
    const { t } = useWords();
    const [dialog, setDialog] = useState("");
    const close = () => {
        setDialog("");
        load();
    };
    return (
        <section class="account-part" aria-labelledby="account-factor">
            <h2 id="account-factor">{t("factor.title")}</h2>
            <p>{t("factor.about")}</p>
            {error && <p class="form-error" role="alert">{error}</p>}
            {factor && (
                <p class={`factor-state ${factor.enabled ? "good" : ""}`} data-factor={factor.enabled ? "on" : "off"}>
                    {factor.enabled ? t("factor.on", { n: factor.recovery_codes_left }) : t("factor.off")}
                </p>
            )}
            {factor && (
                <div class="account-tools">
                    {factor.enabled ? (
                        <>
                            <Button onClick={() => setDialog("codes")}>{t("factor.newCodes")}</Button>
                            <Button onClick={() => setDialog("off")}>{t("factor.turnOff")}</Button>
                        </>
                    ) : <Button kind="main" onClick={() => setDialog("on")}>{t("factor.turnOn")}</Button>}
                </div>
            )}
            {dialog && <FactorDialog what={dialog} onClose={close} />}
        </section>
    );
}

function Password() {
    const { t } = useWords();
    const desk = useDesk();
    return (
        <section class="account-part" aria-labelledby="account-password">
            <h2 id="account-password">{t("signin.password")}</h2>
            <p>{t("account.password")}</p>
            <div class="account-tools"><Button icon="lock" onClick={() => desk.openPassword()}>{t("nav.password")}</Button></div>
        </section>
    );
}

function ByProvider() {
    const { t } = useWords();
    return (
        <section class="account-part" aria-labelledby="account-provider">
            <h2 id="account-provider">{t("account.signIn")}</h2>
            <p>{t("account.byProvider")}</p>
        </section>
    );
}

// What guards it: a password and a second factor; or a provider, and nothing here.
function SignIn() {
    const { t, why, told } = useWords();
    const desk = useDesk();
    const [factor, setFactor] = useState(null);
    const [error, setError] = useState("");
    const load = async () => {
        try {
            setFactor(await desk.api.factor());
            setError("");
        } catch (e) {
            setError(told(why(desk.failed(e))));
        }
    };
    useEffect(() => {
        load();
    }, []);
    if (!factor && !error) return <Spinner label={t("app.loading")} />;
    if (factor && !factor.has_password) return <ByProvider />;
    return (
        <>
            <Factor {...{ factor, error, load }} />
            <Password />
        </>
    );
}

function Session({ session, onEnd }) {
    const { t, full, age } = useWords();
    const name = browserName(session.browser) || t("sessions.unknown");
    return (
        <li data-session={session.id} class={session.current ? "current" : ""}>
            <span class="cards-main">
                <strong title={session.browser}>{name}</strong>
                <span>{[session.address, t("sessions.since", { at: full(session.created_at) })].filter(Boolean).join(" · ")}</span>
            </span>
            {session.current
                ? <span class="cards-state good">{t("sessions.this")}</span>
                : <span class="cards-state">{t("sessions.used", { age: age(session.last_used_at) })}</span>}
            {!session.current && <Button onClick={onEnd} label={`${t("sessions.end")}: ${name}`}>{t("sessions.end")}</Button>}
        </li>
    );
}

function Sessions() {
    const { t, why, told } = useWords();
    const desk = useDesk();
    const [sessions, setSessions] = useState(null);
    const [error, setError] = useState("");
    const [asking, setAsking] = useState(false);
    const failed = (e) => setError(told(why(desk.failed(e))));
    const load = () => desk.api.sessions().then(({ sessions: all }) => setSessions(all), failed);
    useEffect(() => {
        load();
    }, []);
    const end = async (request, done) => {
        setError("");
        try {
            await request();
            desk.toast(done, "good");
        } catch (e) {
            if (e.status !== 404) return failed(e); // gone already
        }
        return load();
    };
    return (
        <section class="account-part" aria-labelledby="account-sessions">
            <h2 id="account-sessions">{t("sessions.title")}</h2>
            <p>{t("sessions.about")}</p>
            {error && <p class="form-error" role="alert">{error}</p>}
            {!sessions && !error && <Spinner label={t("app.loading")} />}
            {sessions && (
                <ul class="cards sessions">
                    {sessions.map((s) => (
                        <Session key={s.id} session={s} onEnd={() => end(() => desk.api.endSession(s.id), t("sessions.ended"))} />
                    ))}
                </ul>
            )}
            {sessions?.length > 1 && (
                <div class="account-tools"><Button onClick={() => setAsking(true)}>{t("sessions.endOthers")}</Button></div>
            )}
            {asking && (
                <Confirm title={t("sessions.endOthers")} text={t("sessions.endOthersSure")} action={t("sessions.endOthers")} danger
                    onYes={() => end(() => desk.api.endOtherSessions(), t("sessions.endedOthers"))} onClose={() => setAsking(false)} />
            )}
        </section>
    );
}

function Account() {
    const { t } = useWords();
    const me = useStore((db) => db.me);
    return (
        <AdminPage title={t("account.title")} hint={`${me.display_name || me.name} (${me.name}) · ${t("role." + me.role)}`}>
            <Notices />
            <Look />
            <SignIn />
            <Sessions />
        </AdminPage>
    );
}

globalThis.switchboardPages = { ...globalThis.switchboardPages, account: Account };
