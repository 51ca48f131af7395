"""Which words do looks, places and actions use? Ordinary ones, that any model has read."""

import hashlib


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text, so that a list of words can be written as one."""
    return tuple(text.split())


WOMEN = frozenset(
    words_of(
        "ada alice amara amelia amy ana anna anya aria astrid ava beatrice bella carla carmen "
        "chloe clara daisy diana elena eliza ella ellen emilia emily emma esther eva eve fatima "
        "fiona flora freya grace greta hana hannah helen ida ingrid irene iris isabel isla "
        "ivy jane jasmine julia june kate lara laura layla lena leila lily lin lina linda lisa "
        "lola lucy luna maria mara margaret marie marta mary maya mei mia mila mina mira molly "
        "nadia naomi nina nora olga olivia paula priya rania rosa rose ruth sara sarah sofia "
        "sonia sophie stella sue susan tara tess vera violet wendy xiaoyu yara ying yuki zara zoe"
    )
)
MEN = frozenset(
    words_of(
        "aaron adam ahmed alan albert alex ali amir anders andrew anton arthur ben bill bob boris "
        "bruno carl carlos charles chris daniel david diego dmitri ed eddie eli emil eric erik "
        "ethan felix finn frank fred gabriel george hans harry hassan henry hugo ian isaac ivan "
        "jack jacob james jan jim joe john jonas joseph juan kai karl kenji kevin lars leo leon "
        "liam louis luca lucas marco mark martin max michael miguel mike milo nico nils noah "
        "oliver omar oscar otto paul peter philip raj ravi ray richard robert sam samuel sergei "
        "simon stefan steve theo thomas tim tom tomas victor viktor walter wei will william yusuf "
        "zhang"
    )
)
ROLES = {
    "woman": words_of(
        "woman mother mum mom wife grandmother grandma aunt waitress actress queen lady nurse "
        "daughter sister bride widow stewardess mrs ms miss madam hostess"
    ),
    "man": words_of(
        "man father dad husband grandfather grandpa uncle waiter king gentleman son brother groom "
        "conductor driver policeman fisherman mr sir butler"
    ),
    "girl": ["girl", "schoolgirl"],
    "boy": ["boy", "schoolboy"],
    "person": words_of(
        "doctor guard bartender barista clerk teacher passenger stranger neighbour neighbor "
        "officer boss student child kid baker vendor shopkeeper porter captain singer dancer "
        "cashier detective judge lawyer pilot chef cook messenger postman"
    ),
}
"""What somebody may be called by what they do; such names are common nouns."""

FEMALE_CJK = "女妈娘姐妹奶婆姨婶雨月花雪莉娜婷芳丽"
MALE_CJK = "男爸爷哥弟叔伯公先生强伟刚军"

HAIR_COLOURS = ("black", "dark brown", "auburn", "blond", "chestnut", "ginger")
WOMENS_HAIR = (
    "long {} hair",
    "a {} bob",
    "curly {} hair",
    "a {} ponytail",
    "wavy {} hair",
    "a {} bun",
    "short {} hair",
    "{} braids",
)
MENS_HAIR = (
    "short {} hair",
    "curly {} hair",
    "spiky {} hair",
    "side-parted {} hair",
    "short {} hair and a beard",
    "a {} buzz cut",
)
SKINS = ("fair skin", "olive skin", "bronze skin", "brown skin", "dark skin", "peach skin")
OUTFITS = (
    ("mustard", "navy"),
    ("teal", "charcoal"),
    ("coral", "denim"),
    ("burgundy", "black"),
    ("sky blue", "navy"),
    ("forest green", "beige"),
    ("lavender", "charcoal"),
    ("red", "black"),
    ("white", "denim"),
    ("orange", "navy"),
    ("olive", "brown"),
    ("pink", "white"),
)
"""Colours of top and bottom that go together; no top colour twice."""
WOMENS_TOPS = ("coat", "sweater", "jacket", "dress", "hoodie", "shirt")
MENS_TOPS = ("coat", "shirt", "jacket", "sweater", "suit", "hoodie")
CHILDRENS_TOPS = ("t-shirt", "hoodie", "sweater")
WOMENS_BOTTOMS = ("jeans", "trousers", "skirt")
MENS_BOTTOMS = ("jeans", "trousers")
ACCESSORIES = ("round glasses", "a red scarf", "a shoulder bag", "a cap", "headphones", "", "", "")
HAIR_WORDS = ("hair", "bob", "bun", "ponytail", "braids", "bald", "afro", "buzz", "haired", "curls")
GARMENTS = words_of(
    "coat shirt sweater jacket dress hoodie suit uniform apron t-shirt jumper blouse raincoat "
    "vest robe pyjamas parka cardigan trench gown kimono"
)
BOTTOMS = ("jeans", "trousers", "skirt", "shorts", "pants")
COLOURS = words_of(
    "white cream beige grey gray silver charcoal black red burgundy coral pink magenta orange "
    "rust gold golden mustard yellow lime green olive mint teal turquoise blue denim navy "
    "lavender purple plum brown chocolate tan khaki auburn ginger blond blonde chestnut"
)

PLACES: dict[str, tuple[str, ...]] = {
    "kitchen": ("{a} cupboards and a {b} table", "{a} tiles and {b} chairs"),
    "living room": ("a {a} sofa and {b} curtains", "{a} walls and a {b} armchair"),
    "bedroom": ("a {a} bed and {b} curtains", "{a} walls and a {b} blanket"),
    "office": ("{a} walls and a {b} desk", "{a} shelves and {b} blinds"),
    "cafe": ("{a} walls and {b} chairs", "a {a} counter and {b} lamps"),
    "bar": ("a {a} counter and {b} lamps", "{a} walls and {b} stools"),
    "shop": ("{a} shelves and a {b} counter", "{a} walls and {b} baskets"),
    "hospital room": ("{a} walls and a {b} curtain", "a {a} bed and {b} blinds"),
    "classroom": ("{a} walls and {b} desks", "a {a} board and {b} chairs"),
    "corridor": ("{a} walls and {b} doors", "{a} carpet and {b} lamps"),
    "train": ("{a} seats and {b} curtains", "{a} walls and {b} seats"),
    "car": ("{a} seats", "a {a} dashboard and {b} seats"),
    "street": ("{a} houses and {b} shop fronts", "{a} awnings and {b} lamps"),
    "alley": ("{a} brick walls and {b} bins", "{a} walls and a {b} lantern"),
    "rooftop": ("{a} railings and {b} water tanks", "a {a} parapet and {b} fairy lights"),
    "park": ("a {a} bench and {b} flowers", "{a} trees and a {b} pavilion"),
    "forest": ("{a} trees and {b} bushes", "tall {a} trees and {b} ferns"),
    "beach": ("a {a} umbrella and {b} sand", "{a} huts and a {b} boat"),
    "mountain road": ("{a} rocks and a {b} railing", "{a} hills and {b} stones"),
    "station": ("{a} pillars and {b} benches", "{a} tiles and a {b} clock"),
}
PLACE_SYNONYMS = {
    "hospital": "hospital room",
    "ward": "hospital room",
    "café": "cafe",
    "coffee shop": "cafe",
    "diner": "cafe",
    "restaurant": "cafe",
    "pub": "bar",
    "store": "shop",
    "bakery": "shop",
    "hallway": "corridor",
    "hall": "corridor",
    "stairs": "corridor",
    "carriage": "train",
    "compartment": "train",
    "subway": "train",
    "taxi": "car",
    "road": "street",
    "square": "street",
    "lane": "alley",
    "roof": "rooftop",
    "terrace": "rooftop",
    "garden": "park",
    "woods": "forest",
    "shore": "beach",
    "platform": "station",
    "lounge": "living room",
    "apartment": "living room",
    "flat": "living room",
    "study": "office",
    "school": "classroom",
    "厨房": "kitchen",
    "客厅": "living room",
    "卧室": "bedroom",
    "办公室": "office",
    "咖啡": "cafe",
    "酒吧": "bar",
    "商店": "shop",
    "便利店": "shop",
    "医院": "hospital room",
    "病房": "hospital room",
    "教室": "classroom",
    "走廊": "corridor",
    "车厢": "train",
    "列车": "train",
    "街": "street",
    "巷": "alley",
    "天台": "rooftop",
    "屋顶": "rooftop",
    "公园": "park",
    "森林": "forest",
    "海": "beach",
    "车站": "station",
}
ON_PLACES = frozenset(
    words_of("rooftop beach train road roof terrace platform mountain bridge bus")
)
PLACE_COLOURS = (
    "teal",
    "mustard",
    "coral",
    "blue",
    "cream",
    "olive",
    "burgundy",
    "lavender",
    "white",
    "rust",
    "mint",
    "grey",
)

PROPS = words_of(
    "letter envelope phone cup glass bottle book notebook key flower bouquet umbrella bag box "
    "gift suitcase photo photograph ring knife gun laptop lantern candle newspaper map guitar "
    "ball cake plate apple money camera watch teddy pan clock dog cat ticket note picture"
)

SECONDS_BY_STEM = {
    "walk": 1.0,
    "danc": 1.5,
    "hug": 1.0,
    "embrac": 1.0,
    "kiss": 1.0,
    "read": 1.0,
    "hand": 0.75,
    "giv": 0.75,
    "writ": 1.0,
    "cross": 0.75,
    "climb": 1.0,
    "cook": 1.0,
    "sit": 0.5,
    "drink": 0.5,
    "enter": 0.5,
    "leav": 0.5,
    "wait": 0.75,
    "cr": 0.5,
}
"""Seconds that an action takes beyond what its words take, by the beginning of its verb."""

WHOLE_BODY = (
    "walk",
    "run",
    "ran",
    "danc",
    "jump",
    "fall",
    "climb",
    "enter",
    "leav",
    "kneel",
    "cross",
)
"""Beginnings of verbs that need the whole body in the frame."""
FACE = (
    "smil",
    "cr",
    "tear",
    "blink",
    "whisper",
    "frown",
    "read",
    "look",
    "star",
    "think",
    "nod",
    "laugh",
)
"""Beginnings of verbs that are told by a face."""


def chance(name: str, what: str, num_choices: int) -> int:
    """A choice that depends on a name and on nothing else, the same on every machine."""
    seed = f"{name.casefold()}\0{what}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(seed).digest()[:8], "big") % num_choices
