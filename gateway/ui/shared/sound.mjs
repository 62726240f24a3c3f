// sound.mjs - two soft notes. A browser plays none before somebody has done something on the page, and none is wanted then.

export function ring() {
    if (navigator.userActivation && !navigator.userActivation.hasBeenActive) return;
    try {
        const audio = new AudioContext();
        const gain = audio.createGain();
        gain.connect(audio.destination);
        gain.gain.setValueAtTime(0.12, audio.currentTime);
        gain.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.5);
        [660, 880].forEach((hz, i) => {
            const note = audio.createOscillator();
            note.frequency.value = hz;
            note.connect(gain);
            note.start(audio.currentTime + i * 0.12);
            note.stop(audio.currentTime + 0.5);
            if (i) note.onended = () => audio.close();
        });
    } catch {
        /* no sound on this device */
    }
}
