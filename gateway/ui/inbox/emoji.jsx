// emoji.jsx - the choice of an emoji for what is being written: by groups, the last used first, all of it by keyboard.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { useDesk, useWords } from "./context.jsx";

const LAST = 16;
const COLUMNS = 8;
const GROUPS = {
    faces: "😀 😃 😄 😁 😆 😅 😂 🤣 🙂 😉 😊 😇 🥰 😍 😘 😋 😜 🤪 🤗 🤭 🤔 🤨 😐 😏 🙄 😬 😌 😔 😴 🤒 🤕 🥳 😎 🤓 😕 😟 😮 😳 🥺 😢 😭 😱 😤 😡 🤯 😷",
    hands: "👍 👎 👌 ✌️ 🤞 🤝 👏 🙌 🙏 💪 👋 ✋ 👉 👈 👆 👇 ☝️ ✍️ 🤷 🙋 💁 🙇 👀 🧑‍💻",
    hearts: "❤️ 🧡 💛 💚 💙 💜 🖤 🤍 💔 💕 💯 ✨ ⭐ 🔥 🎉 🎊 🎁 🎂 💐 🌹 🏆 🎈 👑 💎",
    things: "📦 🚚 🛒 💳 💰 🧾 📞 📱 💻 🖨️ 📷 📎 📌 📍 🔑 🔒 🔧 🛠️ 💡 🔔 📅 ⏰ ⏳ ✉️ 📝 📄 📊 📈 📉 🏠 🏢 🏦 🏥 🚗 ✈️ 🚆 ☕ 🍕 🍎 🍰",
    signs: "✅ ☑️ ❌ ❗ ❓ ⚠️ ⛔ 🚫 ➕ ➖ ➡️ ⬅️ ⬆️ ⬇️ 🔄 🆗 🆕 🔴 🟢 🔵 🟡 ⚪ 1️⃣ 2️⃣ 3️⃣ ☀️ 🌧️ ❄️ 🌍 ♻️ 🙈 🐱 🐶 🌱 🍀 🌈",
};

// choose(emoji): it goes on until it is closed. anchor: the button that opened it.
export function EmojiPicker({ anchor, choose, onClose }) {
    const { t } = useWords();
    const { storage } = useDesk();
    const [last, setLast] = useState(() => storage.emoji());
    const [shown] = useState(last); // what is under the finger does not move
    const ref = useRef(null);
    const groups = [...(shown.length ? [["last", shown]] : []), ...Object.entries(GROUPS).map(([name, text]) => [name, text.split(" ")])];
    useLayoutEffect(() => {
        const at = anchor.current.getBoundingClientRect(), el = ref.current;
        el.style.left = Math.max(8, Math.min(at.left, innerWidth - el.offsetWidth - 8)) + "px";
        el.style.bottom = innerHeight - at.top + 6 + "px";
        el.querySelector("button").focus();
    }, []);
    useEffect(() => {
        const away = (e) => !ref.current.contains(e.target) && !anchor.current?.contains(e.target) && onClose(false);
        document.addEventListener("pointerdown", away);
        return () => document.removeEventListener("pointerdown", away);
    }, []);
    const take = (emoji) => {
        const now = [emoji, ...last.filter((e) => e !== emoji)].slice(0, LAST);
        setLast(now);
        storage.setEmoji(now);
        choose(emoji);
    };
    const onKey = (e) => {
        const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: COLUMNS, ArrowUp: -COLUMNS }[e.key];
        const all = [...ref.current.querySelectorAll("button")];
        if (by) all[Math.max(0, Math.min(all.length - 1, all.indexOf(document.activeElement) + by))].focus();
        else if (e.key === "Home") all[0].focus();
        else if (e.key === "End") all[all.length - 1].focus();
        else if (e.key === "Escape") onClose(true);
        else if (e.key === "Tab") return void onClose(false);
        else return;
        e.preventDefault();
        e.stopPropagation();
    };
    let n = 0;
    return (
        <div class="emoji-box" ref={ref} role="dialog" aria-label={t("emoji.choose")} onKeyDown={onKey}>
            {groups.map(([name, list]) => (
                <section key={name} role="group" aria-label={t("emoji." + name)}>
                    <h3 aria-hidden="true">{t("emoji." + name)}</h3>
                    <div class="emoji-grid">
                        {list.map((emoji) => (
                            <button key={emoji} type="button" class="emoji" tabIndex={n++ ? -1 : 0} onClick={() => take(emoji)}>{emoji}</button>
                        ))}
                    </div>
                </section>
            ))}
        </div>
    );
}
