// loader_css.mjs - the looks of the button and of the frame's place, inside the shadow root. A
// constructed sheet needs no permission from the site's Content-Security-Policy.
const CSS = `
:host{all:initial!important;display:block!important;position:fixed!important;z-index:2147483000!important;
right:0!important;bottom:0!important;font:15px/1.4 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif!important}
.bubble,.box,.peek{--a:var(--accent,#2f5bd7);--side:20px}
*{box-sizing:border-box}
[hidden]{display:none!important}
.bubble{position:fixed;right:calc(var(--side) + env(safe-area-inset-right));bottom:calc(20px + env(safe-area-inset-bottom));
width:60px;height:60px;border:0;border-radius:50%;padding:0;cursor:pointer;color:var(--on-accent,#fff);background:var(--a);
box-shadow:0 6px 20px rgba(16,24,40,.28),0 1px 3px rgba(16,24,40,.2);transition:transform .18s,box-shadow .18s}
.bubble:hover{transform:translateY(-2px);box-shadow:0 10px 26px rgba(16,24,40,.32)}
.bubble:active{transform:scale(.95)}
.bubble:focus-visible,.peek button:focus-visible{outline:3px solid var(--a);outline-offset:3px}
svg{position:absolute;left:16px;top:16px;width:28px;height:28px;fill:none;stroke:currentColor;stroke-width:1.9;
stroke-linecap:round;stroke-linejoin:round;transition:opacity .15s,transform .2s}
svg+svg{opacity:0;transform:rotate(-60deg)}
:host([open]) svg{opacity:0;transform:rotate(60deg)}
:host([open]) svg+svg{opacity:1;transform:none}
.badge{position:absolute;top:-4px;right:-4px;min-width:22px;height:22px;padding:0 6px;border-radius:11px;background:#d92d20;
color:#fff;font:600 13px/22px system-ui,sans-serif;text-align:center;box-shadow:0 0 0 2px #fff}
.box{position:fixed;right:calc(var(--side) + env(safe-area-inset-right));bottom:calc(94px + env(safe-area-inset-bottom));
width:400px;height:min(680px,calc(100vh - 114px));border-radius:18px;overflow:hidden;background:#fff;
box-shadow:0 18px 50px rgba(16,24,40,.26),0 2px 8px rgba(16,24,40,.12);
visibility:hidden;opacity:0;transform:translateY(14px) scale(.98);transform-origin:100% 100%;
transition:opacity .18s,transform .18s,visibility 0s .18s}
:host([open]) .box{visibility:visible;opacity:1;transform:none;transition:opacity .18s,transform .18s}
iframe{display:block;width:100%;height:100%;border:0;color-scheme:light}
.peek{position:fixed;right:calc(var(--side) + env(safe-area-inset-right));bottom:calc(94px + env(safe-area-inset-bottom));
width:300px;max-width:calc(100vw - 40px);border-radius:14px;background:#fff;color:#101828;
box-shadow:0 10px 32px rgba(16,24,40,.22);animation:up .2s}
@keyframes up{from{opacity:0;transform:translateY(8px)}}
.peek button{font:inherit;color:inherit;border:0;background:none;cursor:pointer;border-radius:14px}
.go{display:block;width:100%;text-align:left;padding:14px 40px 14px 16px}
.go b{display:block;font-size:13px;margin-bottom:2px}
.go span{display:-webkit-box;-webkit-line-clamp:2;-webkit-box-orient:vertical;overflow:hidden;overflow-wrap:anywhere}
.peek .hide{position:absolute;top:6px;right:6px;width:32px;height:32px;font-size:20px;line-height:1;color:#667085}
:host(.left) .bubble,:host(.left) .box,:host(.left) .peek{right:auto;left:calc(var(--side) + env(safe-area-inset-left))}
@media (max-width:480px){.box{inset:0;width:100%;height:100%;height:100dvh;border-radius:0}
:host(.left) .box{left:0}:host([open]) .bubble{display:none}}
@media (prefers-reduced-motion:reduce){*{transition:none!important;animation:none!important}}
@media (forced-colors:active){.bubble,.box,.peek{border:1px solid CanvasText}}
.edge{position:fixed;width:0;height:0;visibility:hidden;padding-top:env(safe-area-inset-top);padding-bottom:env(safe-area-inset-bottom)}
@media print{:host{display:none!important}}`;

export function loaderCss(shadow, nonce) {
    try {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(CSS);
        shadow.adoptedStyleSheets = [sheet];
    } catch {
        const style = document.createElement("style");
        if (nonce) style.nonce = nonce;
        style.textContent = CSS;
        shadow.append(style);
    }
}
