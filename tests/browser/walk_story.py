"""A furniture shop's days, in both languages: who writes, by which channel and what, who answers. Also what the README's pictures
show, so they are words that people would say."""
import math
import struct
import zlib

PEOPLE = {
    "en": {"admin": "Alex Morgan", "ann": "Emma Clarke", "bob": "Daniel Price", "sue": "Helen Ward"},
    "ru": {"admin": "Алексей Морозов", "ann": "Ирина Волкова", "bob": "Максим Егоров", "sue": "Светлана Романова"},
}
SHOP = {
    "en": {"title": "Larch & Loom", "greeting": "Good day! What are you looking for?", "away": "We are asleep now, and back at nine.",
           "answers": ["When will it be delivered?", "How much is a chair?"], "consent": "I agree that my data are processed"},
    "ru": {"title": "Лиственница", "greeting": "Добрый день! Что вы ищете?", "away": "Сейчас мы спим и будем к девяти.",
           "answers": ["Когда привезут?", "Сколько стоит стул?"], "consent": "Согласен на обработку данных"},
}

# Of short dialogues: who; labels; lines, "<" from the client, ">" to them. The first one's last line waits for an answer.
DIALOGUES = {
    "en": [
        ("Grace Lee", ["damaged"], ["< Good morning! My chair arrived today, but the box was damaged.",
                                    "> Good morning, Grace! I am sorry about that. Is the chair itself all right?",
                                    "< One leg is scratched. Could you send me a new one?",
                                    "> Of course. A new leg leaves our warehouse today, you need not send anything back.",
                                    "< Wonderful, thank you! Where can I follow the parcel?"]),
        ("Kenji Sato", [], ["< Does the oak table come in 180 cm?", "> Yes, it does. Shall I put one aside for you?"]),
        ("Zoë Müller", ["delivery"], ["< Could the courier come after 6 pm?"]),
        ("Liam O’Connor", ["payment"], ["< My card was refused. It says: expired."]),
        ("Sophie Martin", ["opening hours"], ["< Are you open on Sunday?"]),
        ("Алексей Фёдоров", ["счёт"], ["< Здравствуйте! Можно счёт на юридическое лицо? Берём шесть стульев «Онега».",
                                        "> Здравствуйте, Алексей! Да, конечно. Напишите нам ИНН, счёт пришлём за несколько минут.",
                                        "< 7712345678. И подскажите, когда доставите?", "> Завтра с 10 до 14, подъём на этаж входит в цену.", "< Отлично, ждём!"]),
    ],
    "ru": [
        ("Мария Иванова", ["брак"], ["< Доброе утро! Сегодня привезли стул, но коробка была помята.",
                                     "> Доброе утро, Мария! Нам очень жаль. С самим стулом всё в порядке?",
                                     "< Одна ножка поцарапана. Пришлёте новую?",
                                     "> Конечно. Новая ножка уедет со склада сегодня, возвращать ничего не нужно.",
                                     "< Замечательно, спасибо! Где посмотреть посылку?"]),
        ("Алексей Фёдоров", ["счёт"], ["< Здравствуйте! Можно счёт на юридическое лицо?", "> Да, конечно. Напишите нам ИНН."]),
        ("Анна Кравец", ["доставка"], ["< Курьер сможет приехать после шести вечера?"]),
        ("Тимур Сафин", ["оплата"], ["< Не проходит оплата картой: пишет, что срок истёк."]),
        ("Елена Прекрасная-Заречная", ["часы работы"], ["< А в воскресенье вы работаете?"]),
        ("Grace Lee", [], ["< Does the oak table come in 180 cm?", "> Yes, it does. Shall I put one aside for you?"]),
    ],
}
# Of the one dialogue with a bit of everything.
WORDS = {
    "en": {"name": "Olivia Bennett", "again": "Olivia B.", "hello": "Hello! I am looking for a table for my balcony. It should be narrow, like this:",
           "photo": "Our balcony: 90 cm to the railing", "bold": "90 cm", "answer": "What a lovely place! Our folding table Ladoga is 70 cm, so there is room for chairs.",
           "good": "And it may stand outside all year.", "quoting": "70 cm is perfect. And in winter?", "album": "Three ways to set it", "file": "measures.pdf",
           "place": "Here I live", "address": "12 Rose Lane", "which": "Which wood do you like?", "woods": ["Larch", "Oak"], "phone": "your number, for the courier?",
           "ask": "May I have your number for the courier?", "first": "I live on the 4th flor", "then": "I live on the 4th floor",
           "note": "@sue may we give the old price? She asked in March.", "end": "Great, I take it in larch.", "poll": "Which colour?", "options": ["Natural", "White"]},
    "ru": {"name": "Ольга Кузнецова", "again": "Ольга К.", "hello": "Здравствуйте! Ищу стол на балкон. Он должен быть узким, вот таким:",
           "photo": "Наш балкон: до перил 90 см", "bold": "90 см", "answer": "Какое чудесное место! Наш складной стол «Ладога» — 70 см, и стулья поместятся.",
           "good": "Он может стоять на улице круглый год.", "quoting": "70 см — идеально. А зимой?", "album": "Три варианта, как поставить", "file": "размеры.pdf",
           "place": "Вот мой дом", "address": "Садовая, 12", "which": "Какое дерево вам нравится?", "woods": ["Лиственница", "Дуб"], "phone": "ваш номер для курьера?",
           "ask": "Подскажите ваш номер для курьера?", "first": "Живу на 4 этже", "then": "Живу на 4 этаже",
           "note": "@sue можно отдать по старой цене? Она спрашивала ещё в марте.", "end": "Отлично, беру из лиственницы.", "poll": "Какой цвет?", "options": ["Натуральный", "Белый"]},
}
MAIL = {
    "en": {"name": "Peter Lindqvist", "address": "peter@lindqvist.example", "subject": "Invoice for order 2047",
           "text": "Good day,\n\nour accountant asks for the invoice of order 2047, please to this address.\n\nKind regards\nPeter Lindqvist",
           "html": "<p>Good day,</p><p>our accountant asks for the <b>invoice of order 2047</b>, please to this address.</p>"
                   "<table border=1 cellpadding=6><tr><th>Item<th>Pieces<tr><td>Chair Onega<td>6<tr><td>Table Ladoga<td>1</table>"
                   "<p>Kind regards<br>Peter Lindqvist</p>", "file": "order-2047.txt", "inside": "6 x chair Onega\n1 x table Ladoga\n"},
    "ru": {"name": "Пётр Линдквист", "address": "petr@lindqvist.example", "subject": "Счёт по заказу 2047",
           "text": "Добрый день!\n\nБухгалтерия просит счёт по заказу 2047, пришлите, пожалуйста, на этот адрес.\n\nС уважением,\nПётр Линдквист",
           "html": "<p>Добрый день!</p><p>Бухгалтерия просит <b>счёт по заказу 2047</b>, пришлите, пожалуйста, на этот адрес.</p>"
                   "<table border=1 cellpadding=6><tr><th>Товар<th>Штук<tr><td>Стул «Онега»<td>6<tr><td>Стол «Ладога»<td>1</table>"
                   "<p>С уважением,<br>Пётр Линдквист</p>", "file": "заказ-2047.txt", "inside": "6 x стул «Онега»\n1 x стол «Ладога»\n"},
}
PHONES = {"en": [("Marco Rossi", "Ciao! Is the chair Onega in stock?"), ("Hanna Berg", "Thank you, everything has arrived!")],
          "ru": [("Дмитрий Орлов", "Добрый день! Стул «Онега» есть в наличии?"), ("Марина Белова", "Спасибо, всё приехало!")]}
CANNED = {"en": [("hello", "Greeting", "Good day, {{client.first_name}}! This is {{agent.name}} of Larch & Loom."),
                 ("track", "Where the parcel is", "Your parcel is on its way: https://track.example.com/RA123456785"),
                 ("bye", "", "Thank you, and have a nice day!")],
          "ru": [("привет", "Приветствие", "Добрый день, {{client.first_name}}! Это {{agent.name}}, «Лиственница»."),
                 ("трек", "Где посылка", "Ваша посылка в пути: https://track.example.com/RA123456785"),
                 ("пока", "", "Спасибо, и хорошего дня!")]}
ADMIN = {
    "en": {"team": "Sales", "rule": "Money matters to Helen", "words": ["refund", "invoice", "card"], "label": "payment", "said": "We are on it.",
           "hours": "The shop", "holiday": "New Year", "sla": "Usual", "refused": "The CRM does not know order 13", "view": "Damaged",
           "late": "Who waits, gets Daniel"},
    "ru": {"team": "Продажи", "rule": "Вопросы об оплате — Светлане", "words": ["возврат*", "счёт*", "карт*"], "label": "оплата", "said": "Уже занимаемся.",
           "hours": "Магазин", "holiday": "Новый год", "sla": "Обычные", "refused": "CRM не знает заказа 13", "view": "Брак",
           "late": "Кто ждёт, того берёт Максим"},
}


def png(rows):
    """rows: bytes of RGB each."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", len(rows[0]) // 3, len(rows), 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(b"".join(b"\0" + r for r in rows))) + chunk(b"IEND", b""))


def room(width=640, height=420, wall=(224, 214, 200), floor=(168, 128, 92), wood=(116, 76, 48), seed=0):
    """A table before a window, as simple as a child's drawing: a photograph to be sent."""
    rows = []
    low = int(height * 0.68)
    top, thick, left, right = int(height * 0.52), int(height * 0.045), int(width * (0.2 + 0.05 * seed)), int(width * (0.74 + 0.05 * seed))
    legs = [(left + 18, left + 34), (right - 34, right - 18)]
    pane = (int(width * 0.58) - 60 * seed, int(width * 0.86) - 60 * seed, int(height * 0.08), int(height * 0.4))
    for y in range(height):
        base = wall if y < low else floor
        shade = 1 - 0.18 * abs(math.sin(y * 3.1 / height))
        row = bytearray(bytes(min(255, int(c * shade)) for c in base) * width)

        def span(a, b, colour, at=row):
            at[3 * a:3 * b] = bytes(colour) * (b - a)
        if pane[2] <= y < pane[3]:
            span(pane[0], pane[1], (250, 250, 248))
            if pane[2] + 6 <= y < pane[3] - 6:
                span(pane[0] + 6, pane[1] - 6, (148 + y // 4, 190 + y // 8, 226))
                span((pane[0] + pane[1]) // 2 - 3, (pane[0] + pane[1]) // 2 + 3, (250, 250, 248))
        if top <= y < top + thick:
            span(left, right, wood)
        if top + thick <= y < int(height * 0.9):
            for a, b in legs:
                span(a, b, tuple(int(c * 0.85) for c in wood))
        if int(height * 0.36) <= y < top:  # a vase
            half = int(14 + 10 * math.sin((y - height * 0.36) * 3 / (top - height * 0.36)))
            middle = (left + right) // 2 + 40 * seed
            span(middle - half, middle + half, (72, 116, 124))
        rows.append(bytes(row))
    return png(rows)
