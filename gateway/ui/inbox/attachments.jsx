// attachments.jsx - files of a message: raster images as previews that open large, everything else
// as a name with its size. Boxes have their size before the picture is there, so nothing jumps.
import { useState } from "preact/hooks";
import { plainName } from "../shared/links.mjs";
import { api } from "./api.mjs";
import { useWords } from "./context.jsx";
import { Icon } from "./icons.jsx";
import { Dialog } from "./parts.jsx";

const SHOWN = new Set(["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"]);

function File({ file }) {
    const { t, size } = useWords();
    const name = plainName(file.name) || t("list.file");
    return (
        <a class="file" href={api.mediaUrl(file.id, true)} download={name}
            aria-label={t("msg.download", { name, size: size(file.size) })}>
            <span class="file-icon"><Icon name={file.kind === "image" ? "image" : "file"} size={20} /></span>
            <span class="file-main"><span class="file-name">{name}</span><span class="file-size">{size(file.size)}</span></span>
            <Icon name="download" size={18} />
        </a>
    );
}

function Large({ file, onClose }) {
    const { t, size } = useWords();
    const name = plainName(file.name) || t("list.file");
    return (
        <Dialog title={name} onClose={onClose} plain>
            <div class="large"><img src={api.mediaUrl(file.id)} alt={t("msg.image", { name })} /></div>
            <footer class="dialog-foot">
                <a class="button button-plain" href={api.mediaUrl(file.id, true)} download={name}>
                    <Icon name="download" size={18} />{t("msg.download", { name, size: size(file.size) })}
                </a>
            </footer>
        </Dialog>
    );
}

function Picture({ file, author, single }) {
    const { t } = useWords();
    const [open, setOpen] = useState(false);
    const [broken, setBroken] = useState(false);
    const name = plainName(file.name) || t("list.file");
    if (broken) return <File file={file} />;
    return (
        <>
            <button type="button" class={`picture${single ? " picture-single" : ""}`} aria-label={t("msg.openImage", { name })} onClick={() => setOpen(true)}>
                <img src={api.mediaUrl(file.id)} alt={t("msg.imageFrom", { who: author, name })} loading="lazy" decoding="async"
                    onError={() => setBroken(true)} />
            </button>
            {open && <Large file={file} onClose={() => setOpen(false)} />}
        </>
    );
}

export function Attachments({ list, author }) {
    const pictures = list.filter((f) => SHOWN.has(f.mime));
    const files = list.filter((f) => !SHOWN.has(f.mime));
    return (
        <div class="files">
            {pictures.length > 0 && (
                <div class="pictures">{pictures.map((f) => <Picture key={f.id} file={f} author={author} single={pictures.length === 1} />)}</div>
            )}
            {files.map((f) => <File key={f.id} file={f} />)}
        </div>
    );
}
