// account_settings.jsx - what an agent is told of, how, and when not; colours and language. Kept at the gateway, so it is the
// same in each of his browsers; only the leave to show notices is each browser's own.
import { useState } from "preact/hooks";
import { ring } from "../shared/sound.mjs";
import { useDesk, useLanguage, useStore, useWords } from "./context.jsx";
import { Button, Field } from "./parts.jsx";

const EVENTS = ["mine", "unassigned", "mentions"];
const NIGHT = { quiet_from: "22:00", quiet_to: "08:00" };

function usePrefer() {
    const { t, why } = useWords();
    const desk = useDesk();
    return (fields) => desk.keeps.prefer(fields).catch((e) => desk.toast(t("change.failed", { why: why(e) })));
}

function Check({ name, on, set, label, hint }) {
    return (
        <div class="check">
            <input id={"settings-" + name} type="checkbox" checked={on} aria-describedby={hint ? `settings-${name}-hint` : undefined}
                onChange={(e) => {
                    const wanted = e.currentTarget.checked;
                    e.currentTarget.checked = on; // until it is so
                    set(wanted);
                }} />
            <label for={"settings-" + name}>{label}</label>
            {hint && <p class="field-hint" id={`settings-${name}-hint`}>{hint}</p>}
        </div>
    );
}

// Asked here and nowhere else: a browser asks the person only once.
function BrowserNotices({ on, prefer }) {
    const { t } = useWords();
    const [given, setGiven] = useState(globalThis.Notification?.permission);
    const set = async (wanted) => {
        const now = wanted ? await Notification.requestPermission() : given;
        setGiven(now);
        if (!wanted || now === "granted") await prefer({ browser: wanted });
    };
    const hint = !globalThis.Notification || !isSecureContext ? "settings.browserNone" : given === "denied" ? "settings.browserDenied"
        : on && given !== "granted" ? "settings.browserAsk" : "";
    if (hint === "settings.browserNone") return <p class="field-hint">{t(hint)}</p>;
    return <Check name="browser" on={on && given === "granted"} set={set} label={t("settings.browser")} hint={hint && t(hint)} />;
}

export function Notices() {
    const { t } = useWords();
    const wants = useStore((db) => db.preferences);
    const prefer = usePrefer();
    const quiet = Boolean(wants.quiet_from);
    const time = (key) => (e) => e.currentTarget.value && prefer({ [key]: e.currentTarget.value });
    return (
        <section class="account-part" aria-labelledby="account-notices">
            <h2 id="account-notices">{t("settings.notices")}</h2>
            <p>{t("settings.noticesAbout")}</p>
            <div class="checks" role="group" aria-labelledby="account-notices">
                {EVENTS.map((name) => (
                    <Check key={name} name={name} on={wants[name]} set={(on) => prefer({ [name]: on })} label={t("settings." + name)} />
                ))}
            </div>
            <div class="checks">
                <Check name="sound" on={wants.sound} set={(on) => prefer({ sound: on })} label={t("settings.sound")} />
                <BrowserNotices on={wants.browser} prefer={prefer} />
                <Check name="quiet" on={quiet} set={(on) => prefer(on ? NIGHT : { quiet_from: null, quiet_to: null })} label={t("settings.quiet")}
                    hint={t("settings.quietHint")} />
                {quiet && (
                    <div class="times">
                        {["quiet_from", "quiet_to"].map((key) => (
                            <Field key={key} id={"settings-" + key} label={t("settings." + key)}>
                                <input id={"settings-" + key} type="time" value={wants[key]} required onChange={time(key)} />
                            </Field>
                        ))}
                    </div>
                )}
            </div>
            <div class="account-tools"><Button icon="sound" onClick={ring}>{t("settings.try")}</Button></div>
        </section>
    );
}

function Choice({ name, value, options, set }) {
    const { t } = useWords();
    return (
        <Field id={"settings-" + name} label={t("settings." + name)}>
            <select id={"settings-" + name} value={value} onChange={(e) => set(e.currentTarget.value)}>
                {options.map(([key, label]) => <option key={key} value={key}>{label}</option>)}
            </select>
        </Field>
    );
}

export function Look() {
    const { t } = useWords();
    const { lang, setLang } = useLanguage();
    const { theme } = useStore((db) => db.preferences);
    const prefer = usePrefer();
    return (
        <section class="account-part" aria-labelledby="account-look">
            <h2 id="account-look">{t("settings.look")}</h2>
            <div class="times">
                <Choice name="theme" value={theme} set={(chosen) => prefer({ theme: chosen })}
                    options={["auto", "light", "dark"].map((key) => [key, t("settings.theme." + key)])} />
                <Choice name="language" value={lang} options={[["ru", "Русский"], ["en", "English"]]} set={(language) => {
                    setLang(language);
                    prefer({ language });
                }} />
            </div>
        </section>
    );
}
