// attachments.jsx - files of a message: pictures as previews that open large, sound and film that
// play here, everything else as a name with its size; and what is not here (yet), with the reason.
// Boxes have their size before the picture is there, so nothing jumps.
import { useState } from "preact/hooks";
import { plainName } from "../shared/links.mjs";
import { api } from "./api.mjs";
import { useWords } from "./context.jsx";
import { Icon } from "./icons.jsx";
import { fit, lookOf, namelessKind } from "./kinds.mjs";
import { Late } from "./late.jsx";
import { Spinner } from "./parts.jsx";
import { Animation, Film, RoundFilm, Sound, Sticker } from "./playable.jsx";

function useName() {
    const { t } = useWords();
    return (file) => {
        const name = plainName(file.name), kind = namelessKind(name) ?? (name ? null : file.role);
        return kind ? t("kind." + kind) : name || t("list.file");
    };
}

function File({ file }) {
    const { t, size } = useWords();
    const name = useName()(file);
    return (
        <a class="file" href={api.mediaUrl(file.id, true)} download={name}
            aria-label={t("msg.download", { name, size: size(file.size) })}>
            <span class="file-icon"><Icon name={file.kind === "image" ? "image" : "file"} size={20} /></span>
            <span class="file-main"><span class="file-name">{name}</span> <span class="file-size">{size(file.size)}</span></span>
            <Icon name="download" size={18} />
        </a>
    );
}

const REASONS = ["waiting", "failed", "too_large", "unavailable"];

// Being fetched from the channel, or not to be had.
function Missing({ file }) {
    const { t, size, reason } = useWords();
    const name = useName()(file);
    const waits = file.state === "waiting";
    const state = REASONS.includes(file.state) ? file.state : "unavailable";
    const why = !waits && file.error && reason({ text: file.error }, true);
    return (
        <div class={`file file-${waits ? "waiting" : "missing"}`} data-state={state} title={why ? why.title : undefined}>
            <span class="file-icon">{waits ? <Spinner label={t("file.waiting")} /> : <Icon name="fileOff" size={20} />}</span>
            <span class="file-main">
                <span class="file-name">{name}</span>
                <span class="file-size">{t("file." + state)}{file.size > 0 && " · " + size(file.size)}</span>
                {why && <span class="file-why">{why.text}</span>}
            </span>
        </div>
    );
}

function Picture({ file, author, single, open }) {
    const { t } = useWords();
    const [broken, setBroken] = useState(false);
    const name = useName()(file);
    const box = single && fit(file, 320, 320);
    if (broken) return <File file={file} />;
    return (
        <button type="button" class={`picture${single ? " picture-single" : ""}${box ? " picture-fit" : ""}`} aria-label={t("msg.openImage", { name })}
            style={box ? { width: box.width + "px", aspectRatio: `${box.width} / ${box.height}` } : undefined} onClick={open}>
            <img src={api.mediaUrl(file.id)} alt={t("msg.imageFrom", { who: author, name })} loading="lazy" decoding="async"
                onError={() => setBroken(true)} />
        </button>
    );
}

const LOOKS = { missing: Missing, sticker: Sticker, note: RoundFilm, animation: Animation, voice: Sound, audio: Sound, video: Film, file: File };

// What the browser cannot play is a file like any other.
function One({ file, look }) {
    const [broken, setBroken] = useState(false);
    const name = useName()(file);
    const Look = broken ? File : LOOKS[look];
    return <Look file={file} name={name} onBroken={() => setBroken(true)} />;
}

export function Attachments({ list, author }) {
    const name = useName();
    const [large, setLarge] = useState(-1);
    const files = list.map((file, i) => ({ file, look: lookOf(file), key: file.id ?? "n" + i }));
    const pictures = files.filter((f) => f.look === "picture");
    return (
        <div class="files">
            {pictures.length > 0 && (
                <div class={`pictures${pictures.length > 4 ? " pictures-many" : ""}`}>
                    {pictures.map(({ file, key }, i) => <Picture key={key} file={file} author={author} single={pictures.length === 1} open={() => setLarge(i)} />)}
                </div>
            )}
            {large >= 0 && (
                <Late part="viewer" first={large} files={pictures.map(({ file }) => ({ id: file.id, name: name(file), size: file.size }))} onClose={() => setLarge(-1)} />
            )}
            {files.map(({ file, look, key }) => look !== "picture" && <One key={key} file={file} look={look} />)}
        </div>
    );
}
