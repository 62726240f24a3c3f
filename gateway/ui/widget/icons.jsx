// icons.jsx - the panel's icons: strokes on a 24-unit grid.

const Icon = ({ children, size = 22 }) => (
    <svg viewBox="0 0 24 24" width={size} height={size} aria-hidden="true" fill="none" stroke="currentColor"
        stroke-width="1.9" stroke-linecap="round" stroke-linejoin="round">{children}</svg>
);

export const IconClose = () => <Icon><path d="M6 6l12 12M18 6L6 18" /></Icon>;
export const IconMore = () => <Icon><path d="M12 5.5v.01M12 12v.01M12 18.5v.01" stroke-width="2.6" /></Icon>;
export const IconSend = () => <Icon><path d="M12 19V5M5.5 11.5 12 5l6.5 6.5" /></Icon>;
export const IconClip = () => <Icon><path d="M20 11.5 12 19.4a5.2 5.2 0 0 1-7.4-7.3l8-8a3.5 3.5 0 0 1 5 5l-8 7.9a1.7 1.7 0 0 1-2.5-2.4l7.3-7.3" /></Icon>;
export const IconFile = ({ size }) => <Icon size={size}><path d="M14 3H7a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V8zM14 3v5h5" /></Icon>;
export const IconDown = () => <Icon size={18}><path d="M12 5v14M5.5 12.5 12 19l6.5-6.5" /></Icon>;
export const IconChat = () => <Icon size={26}><path d="M12 3.5c-5 0-9 3.4-9 7.7 0 2.2 1.1 4.2 2.8 5.6-.1 1.1-.6 2.3-1.5 3.3 1.9-.1 3.5-.8 4.7-1.7 1 .3 2 .4 3 .4 5 0 9-3.4 9-7.6s-4-7.7-9-7.7Z" /></Icon>;
export const IconClock = () => <Icon size={14}><circle cx="12" cy="12" r="8.5" /><path d="M12 7.5V12l3 2" /></Icon>;
export const IconTick = () => <svg viewBox="0 0 18 12" width="16" height="11" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"><path d="M3 6.5 6.5 10 14 2" /></svg>;
export const IconTicks = () => <svg viewBox="0 0 18 12" width="16" height="11" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"><path d="M1 6.5 4.5 10 12 2M8.6 9.4l.6.6L16.5 2" /></svg>;
export const IconAlert = () => <Icon size={16}><circle cx="12" cy="12" r="9" /><path d="M12 7.5v5.5M12 16.5v.01" /></Icon>;
