// give.jsx - a place or a person's number as a message of its own.
import { useState } from "preact/hooks";
import { useDesk, useWords } from "./context.jsx";
import { Button, Dialog, Field } from "./parts.jsx";
import { placeOf } from "./place.mjs";

function Give({ title, children, ready, send, onClose }) {
    const { t } = useWords();
    return (
        <Dialog title={title} onClose={onClose}>
            <form onSubmit={(e) => {
                e.preventDefault();
                if (!ready) return;
                onClose();
                send();
            }}>
                {children}
                <footer class="dialog-foot">
                    <Button onClick={onClose}>{t("dialog.cancel")}</Button>
                    <Button kind="main" icon="send" type="submit" disabled={!ready}>{t("composer.send")}</Button>
                </footer>
            </form>
        </Dialog>
    );
}

function Line({ id, label, hint, error, value, set, ...rest }) {
    return (
        <Field id={id} label={label} hint={hint} error={error}>
            <input id={id} type="text" value={value} maxLength={1000} dir="auto" autocomplete="off"
                onInput={(e) => set(e.currentTarget.value)} {...rest} />
        </Field>
    );
}

export function GivePlace({ thread, onClose }) {
    const { t } = useWords();
    const desk = useDesk();
    const [where, setWhere] = useState("");
    const [name, setName] = useState("");
    const [address, setAddress] = useState("");
    const place = placeOf(where);
    const send = () => desk.sender.send(thread, { text: "", note: false, attachments: [], location: {
        ...place, ...(name.trim() && { name: name.trim() }), ...(address.trim() && { address: address.trim() }) } });
    return (
        <Give title={t("give.place")} ready={Boolean(place)} send={send} onClose={onClose}>
            <Line id="place-where" label={t("give.where")} hint={t("give.whereHint")} value={where} set={setWhere}
                error={where.trim() && !place ? t("give.whereWrong") : undefined} placeholder="52.52000, 13.40500" />
            <Line id="place-name" label={t("give.placeName")} value={name} set={setName} />
            <Line id="place-address" label={t("give.placeAddress")} value={address} set={setAddress} />
        </Give>
    );
}

export function GiveContact({ thread, onClose }) {
    const { t } = useWords();
    const desk = useDesk();
    const [name, setName] = useState("");
    const [phone, setPhone] = useState("");
    const digits = phone.replace(/\D/g, "").length;
    const good = /^\+?[\d\s().-]*$/.test(phone) && digits >= 5;
    const send = () => desk.sender.send(thread, { text: "", note: false, attachments: [],
        contact: { name: name.trim(), phone: phone.trim() } });
    return (
        <Give title={t("give.contact")} ready={Boolean(name.trim()) && good} send={send} onClose={onClose}>
            <Line id="contact-name" label={t("client.name")} value={name} set={setName} maxLength={200} />
            <Line id="contact-phone" label={t("client.phone")} value={phone} set={setPhone} inputMode="tel" maxLength={40}
                error={phone.trim() && !good ? t("give.phoneWrong") : undefined} placeholder="+49 151 23456789" />
        </Give>
    );
}
