// playable.jsx - files that move or sound: voice, music, film, round films, animations, stickers.
// Nothing is loaded before it is wanted, but for what plays by itself; and nothing plays by itself for
// those who asked for stillness.
import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "./api.mjs";
import { useWords } from "./context.jsx";
import { Icon } from "./icons.jsx";
import { fit, isHere, lengthText } from "./kinds.mjs";
import { Spinner } from "./parts.jsx";

const SPEEDS = [1, 1.5, 2];
const STILL = "(prefers-reduced-motion: reduce)";

function useStill() {
    const [still, setStill] = useState(matchMedia(STILL).matches);
    useEffect(() => {
        const query = matchMedia(STILL);
        const change = () => setStill(query.matches);
        query.addEventListener("change", change);
        return () => query.removeEventListener("change", change);
    }, []);
    return still;
}

function box(file, most, tallest) {
    const size = fit(file, most, tallest);
    return size ? { width: size.width + "px", aspectRatio: `${size.width} / ${size.height}` } : { width: most + "px", maxHeight: tallest + "px" };
}

function Save({ file, name }) {
    const { t, size } = useWords();
    const label = t("msg.download", { name, size: size(file.size) });
    return (
        <a class="icon-button save" href={api.mediaUrl(file.id, true)} download={name} aria-label={label} title={label}>
            <Icon name="download" size={17} />
        </a>
    );
}

export function Sound({ file, name, onBroken }) {
    const { t } = useWords();
    const voice = file.role === "voice";
    const audio = useRef(null);
    const [speed, setSpeed] = useState(1);
    const faster = () => {
        const next = SPEEDS[(SPEEDS.indexOf(speed) + 1) % SPEEDS.length];
        audio.current.playbackRate = next;
        setSpeed(next);
    };
    return (
        <div class={`sound${voice ? " sound-voice" : ""}`}>
            <p class="sound-name">
                <Icon name={voice ? "voice" : "sound"} size={15} />
                <span>{voice ? t("kind.voice") : name}</span>
                {file.duration > 0 && <time>{lengthText(file.duration)}</time>}
            </p>
            <div class="sound-line">
                <audio ref={audio} controls preload="none" src={api.mediaUrl(file.id)} aria-label={name} onError={onBroken} />
                {voice && <button type="button" class="sound-speed" onClick={faster} aria-label={t("msg.speed", { n: speed })} title={t("msg.speed", { n: speed })}>{speed}×</button>}
                <Save file={file} name={name} />
            </div>
        </div>
    );
}

export function Film({ file, name, onBroken }) {
    return <video class="film" controls playsInline preload="metadata" style={box(file, 320, 320)} src={api.mediaUrl(file.id)} aria-label={name} onError={onBroken} />;
}

// A film in a circle: the whole of it is the button.
export function RoundFilm({ file, name, onBroken }) {
    const { t } = useWords();
    const video = useRef(null);
    const [playing, setPlaying] = useState(false);
    const toggle = () => (playing ? video.current.pause() : video.current.play().catch(() => {}));
    return (
        <button type="button" class={`round-film${playing ? " playing" : ""}`} onClick={toggle} aria-pressed={playing}
            aria-label={t(playing ? "msg.pause" : "msg.play", { name })}>
            <video ref={video} playsInline preload="metadata" src={api.mediaUrl(file.id)} onPlay={() => setPlaying(true)}
                onPause={() => setPlaying(false)} onError={onBroken} />
            {!playing && <span class="round-play"><Icon name="play" size={26} /></span>}
            {file.duration > 0 && <time>{lengthText(file.duration)}</time>}
        </button>
    );
}

function Moving({ file, name, class: look, style, onBroken, controls }) {
    const still = useStill();
    const video = useRef(null);
    useEffect(() => {
        if (still) video.current.pause();
        else video.current.play().catch(() => {});
    }, [still]);
    return <video ref={video} class={look} style={style} autoplay={!still} loop muted playsInline controls={controls && still} src={api.mediaUrl(file.id)} aria-label={name} onError={onBroken} />;
}

export function Animation({ file, name, onBroken }) {
    return <Moving file={file} name={name} class="film" style={box(file, 320, 320)} onBroken={onBroken} controls />;
}

// A picture, a film without sound, or, where it is drawn by a program of the messenger's, its emoji.
export function Sticker({ file, name, onBroken }) {
    const { t } = useWords();
    const label = t("msg.sticker", { emoji: file.emoji ?? "" }).trim();
    if (isHere(file) && /^image\//.test(file.mime ?? ""))
        return <img class="sticker" style={box(file, 160, 160)} src={api.mediaUrl(file.id)} alt={label} loading="lazy" onError={onBroken} />;
    if (isHere(file) && file.kind === "video") return <Moving file={file} name={label} class="sticker" style={box(file, 160, 160)} onBroken={onBroken} />;
    return (
        <span class="sticker-emoji" role="img" aria-label={label} title={file.error || name}>
            {file.emoji || "🖼"}{file.state === "waiting" && <Spinner label={t("file.waiting")} />}
        </span>
    );
}
