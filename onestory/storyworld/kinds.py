"""What can be in the world? Every closed choice, as an enumeration of plain words."""

from enum import StrEnum


class PlaceKind(StrEnum):
    """A kind of place; a `Place` is one instance of it."""

    KITCHEN = "kitchen"
    LIVING_ROOM = "living room"
    BEDROOM = "bedroom"
    OFFICE = "office"
    CAFE = "cafe"
    BAR = "bar"
    SHOP = "shop"
    HOSPITAL = "hospital room"
    CLASSROOM = "classroom"
    CORRIDOR = "corridor"
    TRAIN = "train"
    CAR = "car"
    STREET = "street"
    ALLEY = "alley"
    ROOFTOP = "rooftop"
    PARK = "park"
    FOREST = "forest"
    BEACH = "beach"
    MOUNTAIN_ROAD = "mountain road"


class Light(StrEnum):
    """The time of day, as the light shows it."""

    DAY = "day"
    DAWN = "dawn"
    DUSK = "dusk"
    NIGHT = "night"


class Weather(StrEnum):
    """What falls from, or hangs in, the sky."""

    CLEAR = "clear"
    RAIN = "rain"
    SNOW = "snow"
    FOG = "fog"


class Framing(StrEnum):
    """How much of the subject the frame holds."""

    WIDE = "wide"
    FULL = "full"
    MEDIUM = "medium"
    MEDIUM_CLOSE = "medium close"
    CLOSE = "close"
    TWO_SHOT = "two-shot"
    OVER_THE_SHOULDER = "over the shoulder"
    INSERT = "insert"


class CameraMove(StrEnum):
    """What the camera does during the shot."""

    STATIC = "static"
    PAN_LEFT = "pan left"
    PAN_RIGHT = "pan right"
    TILT_UP = "tilt up"
    TILT_DOWN = "tilt down"
    PUSH_IN = "push in"
    PULL_OUT = "pull out"
    HANDHELD = "handheld"
    TRACK = "track"


class Action(StrEnum):
    """What a performer does during the shot."""

    IDLE = "stand"
    WALK = "walk"
    RUN = "run"
    SIT = "sit"
    STAND_UP = "stand up"
    WAVE = "wave"
    TALK = "talk"
    LISTEN = "listen"
    HUG = "hug"
    KISS = "kiss"
    HOLD_HANDS = "hold hands"
    HAND_OVER = "hand over"
    TAKE = "take"
    HOLD = "hold"
    DRINK = "drink"
    EAT = "eat"
    READ = "read"
    WRITE = "write"
    TYPE = "type"
    PHONE = "phone"
    TURN_AWAY = "turn away"
    LOOK_AROUND = "look around"
    FALL = "fall"
    DANCE = "dance"
    JUMP = "jump"
    POINT = "point"
    CRY = "cry"
    LAUGH = "laugh"
    KNOCK = "knock"
    OPEN_DOOR = "open door"
    COOK = "cook"
    SHAKE_HANDS = "shake hands"
    SLEEP = "sleep"
    ARGUE = "argue"
    SLAP = "slap"
    KNEEL = "kneel"
    ENTER = "enter"
    LEAVE = "leave"
    SHAKE_HEAD = "shake head"
    THINK = "think"
    CLAP = "clap"
    SHRUG = "shrug"
    PLAY = "play music"


class Emotion(StrEnum):
    """What a face shows."""

    NEUTRAL = "neutral"
    HAPPY = "happy"
    SAD = "sad"
    ANGRY = "angry"
    SURPRISED = "surprised"
    AFRAID = "afraid"
    TENDER = "tender"


class HairStyle(StrEnum):
    """How hair is cut and worn."""

    SHORT = "short"
    SIDE_PART = "side part"
    BUZZ = "buzz cut"
    BALD = "bald"
    BOB = "bob"
    LONG = "long"
    WAVY = "wavy"
    PONYTAIL = "ponytail"
    BUN = "bun"
    CURLY = "curly"
    AFRO = "afro"
    BRAIDS = "braids"
    SPIKY = "spiky"


class TopKind(StrEnum):
    """What is worn above the waist."""

    T_SHIRT = "t-shirt"
    TANK_TOP = "tank top"
    SHIRT = "shirt"
    SWEATER = "sweater"
    HOODIE = "hoodie"
    JACKET = "jacket"
    COAT = "coat"
    SUIT = "suit"
    DRESS = "dress"
    UNIFORM = "uniform"
    APRON = "apron"


class BottomKind(StrEnum):
    """What is worn below the waist; a dress hides it."""

    TROUSERS = "trousers"
    JEANS = "jeans"
    SHORTS = "shorts"
    SKIRT = "skirt"
    LONG_SKIRT = "long skirt"


class Accessory(StrEnum):
    """What is worn besides clothes; several at once are welcome."""

    GLASSES = "glasses"
    SUNGLASSES = "sunglasses"
    HAT = "hat"
    CAP = "cap"
    BEANIE = "beanie"
    SCARF = "scarf"
    EARRINGS = "earrings"
    NECKLACE = "necklace"
    TIE = "tie"
    BEARD = "beard"
    MOUSTACHE = "moustache"
    HEADPHONES = "headphones"
    SHOULDER_BAG = "shoulder bag"
    BACKPACK = "backpack"
    FLOWER_CLIP = "flower clip"


class Age(StrEnum):
    """Which part of life a body shows."""

    CHILD = "child"
    TEEN = "teen"
    ADULT = "adult"
    ELDER = "elder"


class Build(StrEnum):
    """How a body is filled."""

    SLIM = "slim"
    AVERAGE = "average"
    BROAD = "broad"
    HEAVY = "heavy"


class Facing(StrEnum):
    """Where a performer's body points, seen from the camera."""

    LEFT = "left"
    RIGHT = "right"
    FRONT = "front"
    AWAY = "away"


class PropKind(StrEnum):
    """A thing that can be held, passed on, or lie on a table; and two pets."""

    LETTER = "letter"
    ENVELOPE = "envelope"
    PHONE = "phone"
    CUP = "cup"
    GLASS = "glass"
    BOTTLE = "bottle"
    BOOK = "book"
    NOTEBOOK = "notebook"
    KEY = "key"
    FLOWER = "flower"
    BOUQUET = "bouquet"
    UMBRELLA = "umbrella"
    BAG = "bag"
    BOX = "box"
    GIFT = "gift"
    SUITCASE = "suitcase"
    PHOTO = "photo"
    RING = "ring"
    KNIFE = "knife"
    GUN = "gun"
    LAPTOP = "laptop"
    LANTERN = "lantern"
    CANDLE = "candle"
    NEWSPAPER = "newspaper"
    MAP = "map"
    GUITAR = "guitar"
    BALL = "ball"
    CAKE = "cake"
    PLATE = "plate"
    APPLE = "apple"
    MONEY = "money"
    CAMERA = "camera"
    WATCH = "watch"
    TEDDY = "teddy bear"
    PAN = "pan"
    CLOCK = "clock"
    DOG = "dog"
    CAT = "cat"


class Part(StrEnum):
    """What a labelled pixel of a person or thing belongs to."""

    SKIN = "skin"
    HAIR = "hair"
    FACE = "face"
    TOP = "top"
    BOTTOM = "bottom"
    SHOES = "shoes"
    ACCESSORY = "accessory"
    PROP = "prop"
