// client_edit.jsx - the form in which what is known of a client is changed.
import { useEffect, useRef, useState } from "preact/hooks";
import { useDesk, useWords } from "./context.jsx";
import { Button, Field } from "./parts.jsx";

const FIELDS = [["name", "text", "name"], ["phone", "tel", "tel"], ["email", "email", "email"]];

export function ClientEdit({ client, onClose }) {
    const { t, why } = useWords();
    const desk = useDesk();
    const [values, setValues] = useState({}); // those that were changed here
    const [error, setError] = useState("");
    const [busy, setBusy] = useState(false);
    const first = useRef(null);
    useEffect(() => first.current.focus(), []);
    const set = (key) => (e) => setValues({ ...values, [key]: e.currentTarget.value });
    const submit = async (e) => {
        e.preventDefault();
        const changed = {};
        for (const [key, value] of Object.entries(values))
            if (value.trim() !== (client[key] ?? "")) changed[key] = value.trim();
        if (!Object.keys(changed).length) return onClose();
        setBusy(true);
        setError("");
        try {
            await desk.changeClient(client.id, changed);
            onClose();
        } catch (failure) {
            setError(t("client.saveFailed", { why: why(failure) }));
            setBusy(false);
        }
        return undefined;
    };
    return (
        <form class="client-edit" onSubmit={submit} onKeyDown={(e) => e.key === "Escape" && (e.stopPropagation(), onClose())}>
            {FIELDS.map(([key, type, kind], i) => (
                <Field key={key} id={"client-" + key} label={t("client." + key)}>
                    <input id={"client-" + key} ref={i ? undefined : first} type={type === "email" ? "text" : type} inputMode={type === "text" ? undefined : type}
                        value={values[key] ?? client[key] ?? ""} maxLength={200} autocomplete="off" data-kind={kind} onInput={set(key)} />
                </Field>
            ))}
            <Field id="client-note" label={t("client.note")}>
                <textarea id="client-note" rows={3} value={values.note ?? client.note ?? ""} maxLength={4000} onInput={set("note")} />
            </Field>
            {error && <p class="form-error" role="alert">{error}</p>}
            <div class="client-buttons">
                <Button kind="main" type="submit" disabled={busy}>{t("client.save")}</Button>
                <Button onClick={onClose}>{t("client.cancel")}</Button>
            </div>
        </form>
    );
}
