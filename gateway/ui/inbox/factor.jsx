// factor.jsx - turning the second factor on and off, step by step: the password again, the authenticator's camera, its first
// code, the recovery codes, which are shown once.
import { useState } from "preact/hooks";
import qrcode from "qrcode-generator";
import { useDesk, useWords } from "./context.jsx";
import { Button, Dialog } from "./parts.jsx";
import { Code, Password, useForm } from "./signin.jsx";

const QUIET = 4; // modules of white around it

function Picture({ text, label }) {
    const code = qrcode(0, "M");
    code.addData(text, "Byte");
    code.make();
    const n = code.getModuleCount();
    let path = "";
    for (let y = 0; y < n; y++)
        for (let x = 0; x < n; x++) if (code.isDark(y, x)) path += `M${x + QUIET} ${y + QUIET}h1v1h-1z`;
    const size = n + 2 * QUIET;
    return (
        <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label} shape-rendering="crispEdges">
            <rect width={size} height={size} fill="#fff" />
            <path d={path} fill="#000" />
        </svg>
    );
}

function Form({ form, action, onClose, children }) {
    const { t } = useWords();
    return (
        <form onSubmit={form.submit}>
            {children}
            {form.error && <p class="form-error" role="alert">{form.error}</p>}
            <footer class="dialog-foot">
                <Button onClick={onClose}>{t("dialog.cancel")}</Button>
                <Button kind="main" type="submit" disabled={form.busy}>{action}</Button>
            </footer>
        </form>
    );
}

// Proves who it is: the password, and a code where one is asked for.
function Proof({ action, about, withCode, run, onClose }) {
    const { t } = useWords();
    const [password, setPassword] = useState("");
    const [code, setCode] = useState("");
    const form = useForm(() => run(withCode ? { password, code: code.trim() } : { password }), "password.wrong");
    return (
        <Form form={form} action={action} onClose={onClose}>
            <p class="dialog-text">{about}</p>
            {withCode && <Code id="factor-code" label={t("signin.code")} hint={t("signin.codeHint")} value={code} onInput={setCode} />}
            <Password id="factor-password" label={t("password.old")} value={password} onInput={setPassword}
                complete="current-password" focus={!withCode} />
        </Form>
    );
}

function FirstCode({ secret, uri, onCodes, onClose }) {
    const { t } = useWords();
    const desk = useDesk();
    const [code, setCode] = useState("");
    const form = useForm(async () => onCodes((await desk.api.factorStep("/confirm", { code: code.trim() })).recovery_codes));
    return (
        <Form form={form} action={t("factor.turnOn")} onClose={onClose}>
            <p class="dialog-text">{t("factor.scan")}</p>
            <Picture text={uri} label={t("factor.picture")} />
            <p class="factor-secret">{t("factor.byHand")} <code>{secret.match(/.{1,4}/g).join(" ")}</code></p>
            <Code id="factor-code" label={t("factor.firstCode")} value={code} onInput={setCode} />
        </Form>
    );
}

function Recovery({ codes, onClose }) {
    const { t } = useWords();
    const desk = useDesk();
    const text = codes.join("\n") + "\n";
    const copy = () => navigator.clipboard.writeText(text).then(() => desk.toast(t("factor.copied"), "good"),
        () => desk.toast(t("factor.notCopied")));
    return (
        <>
            <p class="dialog-text">{t("factor.recovery")}</p>
            <ol class="recovery">{codes.map((c) => <li key={c}><code>{c}</code></li>)}</ol>
            <footer class="dialog-foot">
                <Button icon="copy" onClick={copy}>{t("factor.copy")}</Button>
                <a class="button button-plain" download="switchboard-codes.txt" href={"data:text/plain," + encodeURIComponent(text)}>
                    {t("factor.download")}
                </a>
                <Button kind="main" onClick={onClose}>{t("factor.saved")}</Button>
            </footer>
        </>
    );
}

// what: "on", "codes" (new ones), "off".
export function FactorDialog({ what, onClose }) {
    const { t } = useWords();
    const desk = useDesk();
    const [begun, setBegun] = useState(null);
    const [codes, setCodes] = useState(null);
    const step = {
        on: async (proof) => setBegun(await desk.api.factorStep("", proof)),
        codes: async (proof) => setCodes((await desk.api.factorStep("/codes", proof)).recovery_codes),
        off: async (proof) => {
            await desk.api.factorStep("/off", proof);
            desk.toast(t("factor.isOff"), "good");
            onClose();
        },
    }[what];
    const titles = { on: t("factor.title"), codes: t("factor.newCodes"), off: t("factor.title") };
    const actions = { on: t("factor.next"), codes: t("factor.newCodes"), off: t("factor.turnOff") };
    const about = { on: t("factor.proveOn"), codes: t("factor.proveCodes"), off: t("factor.proveOff") };
    return (
        <Dialog title={codes ? t("factor.recoveryTitle") : titles[what]} onClose={onClose} class="factor">
            {codes ? <Recovery codes={codes} onClose={onClose} />
                : begun ? <FirstCode {...begun} onCodes={setCodes} onClose={onClose} />
                : <Proof action={actions[what]} about={about[what]} withCode={what !== "on"}
                    run={step} onClose={onClose} />}
        </Dialog>
    );
}
