// viewer.jsx - the pictures of a message, large: one after another by arrows or a swipe, nearer by wheel, double click or keys.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { api } from "./api.mjs";
import { useWords } from "./context.jsx";
import { Icon } from "./icons.jsx";
import { Dialog, IconButton } from "./parts.jsx";

const NEAREST = 8;
const STEP = 1.5;
const SWIPE_PX = 60;
const WHOLE = { zoom: 1, x: 0, y: 0 };

// Where the picture is: how near, and moved by how much of the frame. About (px, py), which stay where they are.
function nearer(view, by, px = 0, py = 0) {
    const zoom = Math.min(NEAREST, Math.max(1, view.zoom * by));
    if (zoom === 1) return WHOLE;
    const k = zoom / view.zoom;
    return { zoom, x: px - (px - view.x) * k, y: py - (py - view.y) * k };
}

// Never out of sight.
function held(view, frame) {
    const bound = (v, size) => Math.max(-(view.zoom - 1) * size / 2, Math.min((view.zoom - 1) * size / 2, v));
    return { zoom: view.zoom, x: bound(view.x, frame.clientWidth), y: bound(view.y, frame.clientHeight) };
}

function Picture({ file, alt, view, setView, step }) {
    const frame = useRef(null);
    const held0 = useRef(null); // where the pointer went down, and the view then
    const centre = (e) => {
        const box = frame.current.getBoundingClientRect();
        return [e.clientX - box.left - box.width / 2, e.clientY - box.top - box.height / 2];
    };
    useEffect(() => {
        const el = frame.current;
        const wheel = (e) => {
            e.preventDefault();
            setView((v) => held(nearer(v, Math.exp(-e.deltaY / 300), ...centre(e)), el));
        };
        el.addEventListener("wheel", wheel, { passive: false });
        return () => el.removeEventListener("wheel", wheel);
    }, []);
    const down = (e) => {
        if (e.button) return;
        frame.current.setPointerCapture(e.pointerId);
        held0.current = { x: e.clientX, y: e.clientY, view };
    };
    const move = (e) => {
        const from = held0.current;
        if (!from || from.view.zoom === 1) return;
        setView(held({ zoom: from.view.zoom, x: from.view.x + e.clientX - from.x, y: from.view.y + e.clientY - from.y }, frame.current));
    };
    const up = (e) => {
        const from = held0.current;
        held0.current = null;
        const by = from ? e.clientX - from.x : 0;
        if (from?.view.zoom === 1 && Math.abs(by) > SWIPE_PX) step(by < 0 ? 1 : -1);
    };
    return (
        <div class={`viewer-frame${view.zoom > 1 ? " viewer-near" : ""}`} ref={frame} onPointerDown={down} onPointerMove={move} onPointerUp={up}
            onPointerCancel={() => (held0.current = null)}
            onDblClick={(e) => setView((v) => (v.zoom > 1 ? WHOLE : held(nearer(v, 2.5, ...centre(e)), frame.current)))}>
            <img src={api.mediaUrl(file.id)} alt={alt} draggable={false}
                style={{ transform: `translate(${view.x}px, ${view.y}px) scale(${view.zoom})` }} />
        </div>
    );
}

// files: {id, name, size}; first: which of them is shown at once.
export function Viewer({ files, first = 0, onClose }) {
    const { t, size } = useWords();
    const [at, setAt] = useState(first);
    const [view, setView] = useState(WHOLE);
    const root = useRef(null);
    const file = files[at];
    const many = files.length > 1;
    const step = (by) => setAt((n) => (n + by + files.length) % files.length);
    const zoom = (by) => setView((v) => nearer(v, by));
    useLayoutEffect(() => setView(WHOLE), [at]);
    useEffect(() => {
        const dialog = root.current.closest("dialog");
        const onKey = (e) => {
            if (e.ctrlKey || e.metaKey || e.altKey) return;
            if (e.key === "ArrowRight" && many) step(1);
            else if (e.key === "ArrowLeft" && many) step(-1);
            else if (e.key === "+" || e.key === "=") zoom(STEP);
            else if (e.key === "-") zoom(1 / STEP);
            else if (e.key === "0") setView(WHOLE);
            else return;
            e.preventDefault();
        };
        dialog.addEventListener("keydown", onKey);
        return () => dialog.removeEventListener("keydown", onKey);
    }, [many]);
    return (
        <Dialog title={file.name} onClose={onClose} plain class="viewer">
            <div ref={root}>
                <Picture file={file} alt={t("msg.image", { name: file.name })} view={view} setView={setView} step={many ? step : () => {}} />
                <footer class="viewer-foot">
                    {many && <IconButton icon="back" label={t("viewer.back")} onClick={() => step(-1)} />}
                    {many && <span class="viewer-at" role="status">{t("viewer.at", { n: at + 1, of: files.length })}</span>}
                    {many && <IconButton icon="forward" label={t("viewer.next")} onClick={() => step(1)} />}
                    <span class="viewer-gap" />
                    <IconButton icon="minus" label={t("viewer.less")} disabled={view.zoom === 1} onClick={() => zoom(1 / STEP)} />
                    <IconButton icon="plus" label={t("viewer.more")} disabled={view.zoom === NEAREST} onClick={() => zoom(STEP)} />
                    <a class="icon-button" href={api.mediaUrl(file.id, true)} download={file.name} title={t("msg.download", { name: file.name, size: size(file.size) })}
                        aria-label={t("msg.download", { name: file.name, size: size(file.size) })}><Icon name="download" size={19} /></a>
                </footer>
            </div>
        </Dialog>
    );
}
