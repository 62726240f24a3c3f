// changes.mjs - changes that an agent makes to messages that are there: a reaction, an edit, taking one
// back. What is simple is shown at once and undone when the gateway refuses.
import { findSeq } from "./log.mjs";
import { withReaction } from "./kinds.mjs";

export class Changes {
    constructor(desk) {
        this.desk = desk;
    }

    known(message) {
        const log = this.desk.db.logs.get(message.thread);
        return (log && findSeq(log, message.seq)) ?? message;
    }

    async ask(call) {
        const asked = this.desk.db.stamp;
        try {
            const { message } = await call();
            this.desk.dispatch({ type: "changed", message, asked });
        } catch (e) {
            throw this.desk.failed(e);
        }
    }

    // "" takes the reaction away.
    async react(message, emoji) {
        const { db } = this.desk;
        const before = this.known(message);
        const guess = { ...before, reactions: withReaction(before.reactions, db.me?.name, emoji) };
        this.desk.dispatch({ type: "guess", message: guess });
        this.desk.store.flush();
        try {
            await this.ask(() => this.desk.api.react(message.id, emoji));
        } catch (e) {
            if (this.known(message) === guess) this.desk.dispatch({ type: "guess", message: before });
            throw e;
        }
    }

    // Not shown before it is stored: what was typed stays in the composer until then.
    edit(message, text) {
        return this.ask(() => this.desk.api.editMessage(message.id, { text }));
    }

    remove(message) {
        return this.ask(() => this.desk.api.deleteMessage(message.id));
    }
}
