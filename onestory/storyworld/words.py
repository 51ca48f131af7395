"""What is each member called? The dictionary behind `vocabulary`; `~` marks a verb."""

from collections.abc import Mapping
from enum import StrEnum

from onestory.storyworld.kinds import (
    Accessory,
    Action,
    Age,
    BottomKind,
    Build,
    CameraMove,
    Emotion,
    Facing,
    Framing,
    HairStyle,
    Light,
    PlaceKind,
    PropKind,
    TopKind,
    Weather,
)

PLACES: Mapping[StrEnum, str] = {
    PlaceKind.KITCHEN: (
        "kitchenette, galley, galley kitchen, pantry, scullery, kitchen counter, kitchen table, "
        "stove, sink"
    ),
    PlaceKind.LIVING_ROOM: (
        "lounge, sitting room, parlour, parlor, drawing room, family room, den, living-room, "
        "livingroom, sofa, couch, apartment, flat, home, house, dining room, study, library, "
        "villa, mansion, penthouse, indoors, hall, loft, room"
    ),
    PlaceKind.BEDROOM: (
        "bed room, dormitory, dorm, dorm room, hotel room, motel room, nursery, guest room, "
        "bedchamber, chamber, bedside"
    ),
    PlaceKind.OFFICE: (
        "office room, workplace, cubicle, meeting room, conference room, boardroom, "
        "headquarters, newsroom, study desk, police station, studio, agency, bureau, bank, "
        "company, lab, laboratory, desk, courtroom"
    ),
    PlaceKind.CAFE: (
        "café, coffee shop, coffeehouse, coffee house, teahouse, tea house, tearoom, "
        "restaurant, diner, bistro, bakery, canteen, cafeteria, eatery, noodle shop, "
        "patisserie, pizzeria"
    ),
    PlaceKind.BAR: (
        "pub, tavern, nightclub, night club, club, saloon, lounge bar, cocktail bar, speakeasy, "
        "wine bar, taproom, karaoke"
    ),
    PlaceKind.SHOP: (
        "store, supermarket, grocery, grocery store, market, boutique, convenience store, "
        "bookshop, bookstore, corner shop, corner store, mall, pharmacy, florist, flower shop, "
        "greengrocer, kiosk, jeweller, jewelry store, aisle"
    ),
    PlaceKind.HOSPITAL: (
        "hospital, ward, hospital ward, clinic, sickroom, infirmary, emergency room, recovery "
        "room, intensive care, doctor's office, waiting room, hospital bed, surgery"
    ),
    PlaceKind.CLASSROOM: (
        "class room, school, schoolroom, lecture hall, lecture room, auditorium, seminar room, "
        "class, blackboard, university, campus, college"
    ),
    PlaceKind.CORRIDOR: (
        "hallway, passage, passageway, apartment corridor, landing, stairwell, staircase, "
        "stairs, hotel corridor, doorway, doorstep, threshold, front door, vestibule, foyer, "
        "lobby, elevator, lift, entrance hall, entrance"
    ),
    PlaceKind.TRAIN: (
        "bus, tram, subway, metro, underground, carriage, train carriage, train car, railway "
        "carriage, railcar, compartment, coach, tube, train interior, bus interior, subway car, "
        "subway train, night bus, plane, aeroplane, airplane"
    ),
    PlaceKind.CAR: (
        "taxi, cab, automobile, car interior, inside the car, backseat, back seat, front seat, "
        "driver's seat, passenger seat, limousine, limo, van, vehicle, minivan, truck, sedan"
    ),
    PlaceKind.STREET: (
        "road, avenue, boulevard, sidewalk, pavement, crosswalk, town, city, downtown, high "
        "street, city street, main street, intersection, square, town square, plaza, bus stop, "
        "corner, street corner, neighbourhood, neighborhood, train station, station, platform, "
        "outdoors, outside, village, market square, crossing, driveway, courtyard"
    ),
    PlaceKind.ALLEY: (
        "alleyway, back alley, side street, backstreet, back street, lane, laneway, dead end, "
        "back lane, narrow street"
    ),
    PlaceKind.ROOFTOP: (
        "roof, rooftop terrace, roof terrace, terrace, balcony, roof garden, rooftop garden, "
        "skyscraper roof, roof edge"
    ),
    PlaceKind.PARK: (
        "garden, playground, lawn, meadow, park bench, public garden, city park, botanical "
        "garden, yard, backyard, back yard, field, picnic, cemetery, graveyard, orchard, "
        "schoolyard, fountain, pond"
    ),
    PlaceKind.FOREST: (
        "woods, wood, woodland, jungle, grove, forest path, clearing, wilderness, thicket, pine "
        "forest, trees, campsite, swamp"
    ),
    PlaceKind.BEACH: (
        "shore, seashore, seaside, coast, sand, seafront, waterfront, oceanfront, ocean, sea, "
        "lakeside, lake, island, bay, dune, dunes, pier, harbour, harbor, dock, riverbank, "
        "river, waves"
    ),
    PlaceKind.MOUNTAIN_ROAD: (
        "mountain, mountains, mountainside, highway, country road, motorway, mountain pass, "
        "hillside, hill, cliff, valley, roadside, hairpin, serpentine, lookout, overlook, "
        "desert, countryside, freeway, bridge, guardrail"
    ),
}

LIGHTS: Mapping[StrEnum, str] = {
    Light.DAY: (
        "daytime, daylight, afternoon, noon, midday, morning, late morning, early afternoon, "
        "sunny, sunlit, sunlight, bright, by day, high noon, broad daylight, bright sun, late "
        "afternoon"
    ),
    Light.DAWN: (
        "sunrise, daybreak, early morning, first light, at first light, break of day, crack of "
        "dawn, dawning, morning light, cockcrow"
    ),
    Light.DUSK: (
        "sunset, twilight, evening, golden hour, nightfall, gloaming, sundown, magic hour, "
        "early evening, setting sun, afterglow, blue hour"
    ),
    Light.NIGHT: (
        "night-time, nighttime, night time, midnight, late at night, at night, by night, "
        "tonight, moonlight, moonlit, moon, starlight, starry, after dark, in the dark, dark, "
        "darkness, late night, small hours, lamplight, lamplit, neon"
    ),
}

WEATHERS: Mapping[StrEnum, str] = {
    Weather.CLEAR: (
        "clear sky, clear skies, fair weather, cloudless, sunshine, fine weather, blue sky, dry"
    ),
    Weather.RAIN: (
        "rains, raining, rainy, rainfall, drizzle, drizzling, drizzly, downpour, storm, stormy, "
        "thunderstorm, shower, pouring, pouring rain, wet, raindrops, puddles, rainstorm, "
        "soaked, monsoon, cloudburst"
    ),
    Weather.SNOW: (
        "snows, snowing, snowy, snowfall, blizzard, flurries, snowflakes, snowstorm, winter, "
        "wintry, sleet, snow-covered, snowbound, snowdrift"
    ),
    Weather.FOG: "foggy, mist, misty, haze, hazy, smog, smoggy, foggy air, fogbound, murky",
}

FRAMINGS: Mapping[StrEnum, str] = {
    Framing.WIDE: (
        "wide shot, wide-shot, establishing, establishing shot, long shot, extreme wide shot, "
        "extreme wide, extreme long shot, master shot, master, wide view, wide angle, aerial, "
        "panorama, drone shot, ws, ls"
    ),
    Framing.FULL: (
        "full shot, full body, full-body, full length, full-length, head to toe, full figure, "
        "whole body, full body shot, fs"
    ),
    Framing.MEDIUM: (
        "medium shot, mid shot, mid-shot, waist shot, waist-up, waist up, cowboy shot, american "
        "shot, medium wide, medium long shot, half body, ms, medium view"
    ),
    Framing.MEDIUM_CLOSE: (
        "medium close-up, medium close up, medium closeup, mid close-up, chest shot, head and "
        "shoulders, bust shot, chest up, mcu, medium-close"
    ),
    Framing.CLOSE: (
        "close-up, close up, closeup, close shot, extreme close-up, extreme close up, tight "
        "shot, tight on, face shot, headshot, cu, ecu, portrait, big close-up"
    ),
    Framing.TWO_SHOT: (
        "two shot, 2-shot, two-person shot, both in frame, both of them in frame, two of them "
        "together, three-shot, group shot"
    ),
    Framing.OVER_THE_SHOULDER: (
        "over-the-shoulder, over the shoulder shot, over-the-shoulder shot, ots, over her "
        "shoulder, over his shoulder, over their shoulder, from behind the shoulder, reverse "
        "shot, reverse angle"
    ),
    Framing.INSERT: (
        "insert shot, detail, detail shot, cutaway, cut-in, macro, close-up of the object, "
        "still life, prop shot, cut in"
    ),
}

MOVES: Mapping[StrEnum, str] = {
    CameraMove.STATIC: (
        "still, locked, locked off, locked-off, fixed, fixed camera, static shot, static "
        "camera, tripod, camera holds, camera is still, steady shot, motionless camera"
    ),
    CameraMove.PAN_LEFT: (
        "pans left, panning left, pan to the left, pans to the left, camera pans left, swings "
        "left, whip pan left"
    ),
    CameraMove.PAN_RIGHT: (
        "pans right, panning right, pan to the right, pans to the right, camera pans right, "
        "pan, pans, panning, camera pans, swings right, whip pan"
    ),
    CameraMove.TILT_UP: (
        "tilts up, tilting up, camera tilts up, cranes up, crane up, pedestal up, rises, tilt, "
        "tilts, camera rises, looks up along"
    ),
    CameraMove.TILT_DOWN: (
        "tilts down, tilting down, camera tilts down, cranes down, crane down, pedestal down, "
        "camera lowers, camera descends, descends"
    ),
    CameraMove.PUSH_IN: (
        "push-in, pushes in, pushing in, zoom in, zooms in, zooming in, dolly in, dollies in, "
        "slow push, moves closer, camera moves closer, camera moves in, slow zoom, creeps in, "
        "camera approaches, zoom, dolly"
    ),
    CameraMove.PULL_OUT: (
        "pull-out, pulls out, pulling out, pull back, pulls back, pulling back, zoom out, zooms "
        "out, zooming out, dolly out, dollies out, dolly back, camera moves back, camera "
        "retreats, widens out"
    ),
    CameraMove.HANDHELD: (
        "hand-held, hand held, handheld camera, shaky, shaky cam, shaking camera, shaky camera, "
        "documentary style, verité"
    ),
    CameraMove.TRACK: (
        "tracks, tracking, tracking shot, track shot, follow, follows, following, follow shot, "
        "camera follows, trucking, truck, trucks, steadicam, alongside, dolly alongside, "
        "travelling shot, traveling shot"
    ),
}

ACTIONS: Mapping[StrEnum, str] = {
    Action.HUG: (
        "~hug, ~embrace, ~cuddle, ~squeeze, hold each other, holds each other, holding each "
        "other, held each other, in each other's arms, throws her arms around, throws his arms "
        "around, wraps his arms around, wraps her arms around, in an embrace, ~comfort, "
        "~console"
    ),
    Action.KISS: (
        "~kiss, ~peck, ~smooch, leans in for a kiss, their lips meet, share a kiss, shares a "
        "kiss, ~make out"
    ),
    Action.HOLD_HANDS: (
        "holds hands, holding hands, held hands, hand in hand, takes her hand, takes his hand, "
        "take her hand, takes hands, clasps her hand, clasps his hand, squeezes her hand, "
        "squeezes his hand, ~join hands, fingers entwined, interlace fingers"
    ),
    Action.SHAKE_HANDS: (
        "shakes hands, shaking hands, shook hands, handshake, shakes her hand, shakes his hand, "
        "shake on it, shakes on it, ~greet"
    ),
    Action.HAND_OVER: (
        "hands over, handing over, handed over, ~hand him, ~hand her, ~hand them, give, gives, "
        "giving, gave, ~offer, ~pass, ~present, ~deliver, ~return, ~hand, ~slide, ~pay, gives "
        "back, holds out, holding out, held out, ~extend, ~slip her, ~slip him, ~lend"
    ),
    Action.TAKE: (
        "takes, taking, took, ~receive, ~accept, ~grab, ~pick up, ~collect, gets, ~snatch, "
        "~reach for, steals, stealing, stole, ~pocket, ~find, found, ~fetch, ~borrow"
    ),
    Action.SLAP: (
        "~slap, ~hit, ~punch, strikes, strike, striking, struck, ~smack, hits, hitting, ~push, "
        "~shove, ~attack"
    ),
    Action.ARGUE: (
        "~argue, ~shout, ~yell, ~quarrel, fight, fights, fighting, fought, ~scream, ~confront, "
        "~protest, ~gesture, ~gesticulate, ~scold, ~accuse, ~rage, ~rant, ~bicker, ~snap, "
        "~threaten, ~demand, ~insist, ~object, ~dispute, ~complain, ~curse"
    ),
    Action.PHONE: (
        "~phone, on the phone, ~call, makes a call, takes a call, talks on the phone, talking "
        "on the phone, speaks on the phone, ~dial, ~telephone, answers the phone, answering the "
        "phone, picks up the phone, calls someone, phone call, ~text, ~scroll"
    ),
    Action.OPEN_DOOR: (
        "opens the door, opening the door, opened the door, open the door, unlocks the door, "
        "~unlock, door opens, pushes the door open, push open, pushes open, ~open"
    ),
    Action.KNOCK: (
        "~knock, ~rap, ~pound on the door, bangs on the door, raps on the door, at the door, "
        "rings the bell, rings the doorbell, ring the doorbell"
    ),
    Action.STAND_UP: (
        "stands up, standing up, stood up, gets up, get up, getting up, got up, rise, rises, "
        "rising, rose, rises from, gets to her feet, gets to his feet, jumps up, wakes up, wake "
        "up, ~get to their feet"
    ),
    Action.SIT: (
        "sits, sitting, sat, sits down, sit down, sitting down, sat down, seated, takes a seat, "
        "take a seat, is seated, ~perch, ~slump, ~settle, ~wait, ~ride, drives, drive, driving, "
        "drove"
    ),
    Action.RUN: (
        "runs, running, ran, ~sprint, ~dash, ~race, ~rush, ~hurry, ~jog, flee, flees, fleeing, "
        "fled, ~chase, ~bolt, ~gallop, ~escape, ~scurry, breaks into a run, at a run, runs "
        "away, runs off"
    ),
    Action.ENTER: (
        "~enter, comes in, come in, coming in, came in, ~arrive, walks in, walk in, walking in, "
        "steps in, step in, comes into, walks into, steps into, ~appear, bursts in, storms in, "
        "~return home, comes home, joins, ~join, ~approach, comes back, rushes in, comes up"
    ),
    Action.LEAVE: (
        "leaves, leaving, left the room, walks out, walk out, walking out, walks away, walk "
        "away, walking away, ~exit, ~depart, goes away, go away, goes out, storms out, storm "
        "out, steps out, ~disappear, walks off, ~storm off, ~step away, drives off, heads out, "
        "goes off"
    ),
    Action.WALK: (
        "~walk, ~stroll, ~stride, ~wander, ~pace, ~march, ~step, ~approach slowly, goes, go, "
        "going, went, ~amble, ~hike, ~stagger, ~limp, ~saunter, ~cross, ~head, ~trudge, ~roam, "
        "~creep, ~tiptoe, takes a walk, on foot, ~move, ~plod, ~sneak, ~climb, ~descend, comes, "
        "come, coming, came"
    ),
    Action.TURN_AWAY: (
        "turns away, turning away, turned away, turns her back, turns his back, turn their "
        "back, turns around, turns round, turn around, turned her back, turned his back, back "
        "to the camera, looks away, looking away, looked away, ~turn, with her back to, with "
        "his back to, ~face away, from behind"
    ),
    Action.LOOK_AROUND: (
        "looks around, looking around, looked around, ~search, ~scan, ~survey, ~glance around, "
        "~glance, ~look for, ~inspect, ~explore, ~peer, ~look, ~watch, ~stare, ~gaze, ~notice, "
        "~observe, ~examine, ~hide, sees, see, saw"
    ),
    Action.FALL: (
        "falls, falling, fell, falls down, fall down, fell down, ~collapse, ~stumble, ~trip, "
        "~faint, ~tumble, ~slip, passes out, pass out, drops to the ground, ~keel over, ~topple"
    ),
    Action.DANCE: (
        "~dance, ~waltz, ~twirl, ~spin, ~sway, ~tango, ~groove, ~boogie, spun, dances together"
    ),
    Action.JUMP: (
        "~jump, ~leap, ~hop, ~bounce, ~skip, jumps up and down, jumping for joy, leapt, ~spring"
    ),
    Action.POINT: (
        "~point, points at, points to, ~indicate, points out, ~aim, pointing a finger, ~motion "
        "toward, shows the way, ~direct"
    ),
    Action.WAVE: (
        "~wave, waves goodbye, waving goodbye, says goodbye, waves hello, ~beckon, waves a "
        "hand, ~salute, ~hail, bids farewell, ~signal"
    ),
    Action.CRY: (
        "cries, cry, crying, cried, weeps, weep, weeping, wept, ~sob, in tears, bursts into "
        "tears, tears run, tears stream, sheds tears, shed tears, ~whimper, breaks down, "
        "~mourn, ~grieve, buries her face, buries his face, wipes tears, wipes her tears, wipes "
        "his tears, ~wail"
    ),
    Action.LAUGH: (
        "~laugh, ~giggle, ~chuckle, bursts out laughing, bursts into laughter, cracks up, "
        "laughs out loud, ~snicker, in stitches, ~cackle, ~smirk, ~joke, ~tease"
    ),
    Action.DRINK: (
        "drinks, drink, drinking, drank, ~sip, takes a sip, ~gulp, ~swallow, ~toast, raises a "
        "glass, ~slurp, ~down, drains, draining, ~swig, has a coffee, has tea, has a drink"
    ),
    Action.EAT: (
        "eats, eat, eating, ate, ~munch, ~chew, ~dine, ~taste, ~snack, takes a bite, bites, "
        "bite, biting, bit into, ~devour, has dinner, has lunch, has breakfast, having dinner, "
        "having lunch, having breakfast, ~nibble, ~feast"
    ),
    Action.READ: (
        "reads, reading, ~study, ~leaf through, ~browse, ~peruse, ~flip through, reads through, "
        "~pore over, ~skim"
    ),
    Action.WRITE: (
        "writes, writing, wrote, ~sign, ~note, ~scribble, ~draw, draws, drawing, drew, ~sketch, "
        "takes notes, taking notes, ~jot, ~paint, ~mark, signs her name, signs his name"
    ),
    Action.TYPE: (
        "~type, works at the computer, working at the computer, types on, ~work, on the laptop, "
        "at the laptop, at the computer, ~code, ~program, working on, hacks, hacking"
    ),
    Action.COOK: (
        "~cook, ~stir, ~fry, ~bake, ~prepare food, makes dinner, makes breakfast, making "
        "dinner, making breakfast, ~prepare, makes lunch, ~chop, ~boil, ~simmer, at the stove, "
        "~roast"
    ),
    Action.PLAY: (
        "plays, plays guitar, plays the guitar, playing guitar, playing the guitar, ~strum, "
        "~perform, play the guitar, sings, sing, singing, sang, makes music, ~serenade, playing "
        "music, ~busk"
    ),
    Action.SLEEP: (
        "sleeps, sleeping, slept, asleep, falls asleep, falling asleep, fell asleep, ~nap, "
        "~doze, ~snore, ~dream, lies in bed, lying in bed, lies down, lie down, lying, lies, "
        "lay in bed, ~rest, unconscious, in bed, ~slumber"
    ),
    Action.KNEEL: (
        "~kneel, knelt, on one knee, on her knees, on his knees, gets down on one knee, goes "
        "down on one knee, drops to one knee, ~propose, ~crouch, falls to his knees, falls to "
        "her knees, ~squat, ~bow, ~plead, ~beg, ~pray"
    ),
    Action.SHAKE_HEAD: (
        "shakes her head, shakes his head, shakes their head, shaking her head, shaking his "
        "head, shook her head, shook his head, ~refuse, ~deny, says no, ~decline, ~reject, "
        "denies, denied, shakes head, ~disagree"
    ),
    Action.THINK: (
        "thinks, thinking, thought, ~ponder, ~wonder, ~consider, ~reflect, strokes her chin, "
        "strokes his chin, lost in thought, deep in thought, ~hesitate, ~contemplate, ~doubt, "
        "~decide, ~remember, ~muse, ~plan"
    ),
    Action.CLAP: (
        "~clap, ~applaud, claps hands, claps her hands, claps his hands, ~cheer, applause, "
        "~celebrate"
    ),
    Action.SHRUG: (
        "~shrug, shrugs her shoulders, shrugs his shoulders, throws up his hands, throws up her "
        "hands, does not know, doesn't know"
    ),
    Action.LISTEN: (
        "~listen, ~nod, ~hear, hears, hearing, heard, ~agree, nods along, listens to, pays "
        "attention, ~eavesdrop"
    ),
    Action.HOLD: (
        "holds, holding, held, ~carry, ~clutch, ~grip, ~clasp, ~show, ~lift, ~raise, ~cradle, "
        "holds up, looks at the, ~hold up, with a, ~display, ~unwrap, ~admire, ~brandish, ~hang "
        "onto"
    ),
    Action.TALK: (
        "~talk, speaks, speak, speaking, spoke, says, say, saying, said, tells, tell, telling, "
        "told, ~chat, ~explain, ~ask, ~answer, ~reply, ~whisper, ~discuss, ~converse, ~confess, "
        "~announce, ~murmur, ~mutter, ~lecture, ~admit, ~apologise, ~apologize, ~thank, ~warn, "
        "~introduce, ~negotiate, ~lie to, ~narrate, ~report, ~interview, ~suggest, ~promise, "
        "teaches, teaching, taught, in conversation, ~flirt, ~gossip"
    ),
    Action.IDLE: (
        "stands, standing, stood, stands still, ~pose, ~linger, stands there, ~remain, ~stay, "
        "~lean, ~freeze, froze, stands by, stands alone, ~breathe, is alone, ~loiter, ~pause"
    ),
}

EMOTIONS: Mapping[StrEnum, str] = {
    Emotion.NEUTRAL: (
        "calm, calmly, blank, expressionless, composed, stoic, serious, quiet, quietly, poker- "
        "faced, deadpan, impassive"
    ),
    Emotion.HAPPY: (
        "happily, joy, joyful, joyfully, joyous, ~smile, smiling, ~grin, ~beam, cheerful, "
        "cheerfully, delighted, glad, excited, excitedly, proud, proudly, radiant, relieved, "
        "amused, laughing, merry, thrilled, ecstatic, elated, overjoyed, content, triumphant, "
        "playful, giddy, jubilant"
    ),
    Emotion.SAD: (
        "sadly, sadness, unhappy, sorrow, sorrowful, gloomy, melancholy, heartbroken, grief, "
        "grieving, tearful, depressed, dejected, disappointed, miserable, lonely, downcast, "
        "crestfallen, in tears, ~frown, mournful, wistful, broken-hearted, hurt, regretful, "
        "guilty, ashamed, exhausted, tired, weary"
    ),
    Emotion.ANGRY: (
        "angrily, anger, furious, furiously, mad, enraged, rage, irritated, annoyed, outraged, "
        "~glare, ~scowl, livid, hostile, bitter, bitterly, cross, indignant, fuming, jealous, "
        "frustrated, resentful, menacing, stern"
    ),
    Emotion.SURPRISED: (
        "surprise, astonished, amazed, shocked, shock, stunned, startled, gasps, gasping, gasp, "
        "wide-eyed, open-mouthed, speechless, dumbfounded, in disbelief, bewildered, confused, "
        "puzzled, taken aback, flabbergasted, astounded"
    ),
    Emotion.AFRAID: (
        "scared, frightened, fear, fearful, fearfully, terrified, terror, anxious, anxiously, "
        "nervous, nervously, worried, worriedly, panic, panicked, panicking, trembling, "
        "alarmed, horrified, uneasy, tense, in dread, shaken, desperate"
    ),
    Emotion.TENDER: (
        "tenderly, tenderness, loving, lovingly, love, in love, gentle, gently, affectionate, "
        "affectionately, warm, warmly, caring, fond, fondly, kind, kindly, soft, softly, "
        "compassionate, grateful, gratefully, moved, touched, romantic, hopeful, shy, shyly"
    ),
}

HAIR: Mapping[StrEnum, str] = {
    HairStyle.SHORT: (
        "short hair, short-haired, cropped hair, crew cut, cropped, short cut, pixie cut, "
        "pixie, neat hair, neatly trimmed hair, undercut"
    ),
    HairStyle.SIDE_PART: (
        "side-parted, parted hair, side-swept, swept hair, slicked back, slicked-back hair, "
        "combed hair, quiff, combed back, neatly combed hair, pompadour, side-parted hair"
    ),
    HairStyle.BUZZ: (
        "buzz-cut, buzzcut, shaved head, shaven head, stubble hair, close-cropped, close- "
        "cropped hair, military haircut"
    ),
    HairStyle.BALD: "bald head, balding, hairless, bald-headed, receding hairline, no hair",
    HairStyle.BOB: (
        "bobbed, bob cut, bobbed hair, chin-length hair, bangs, fringe, shoulder-length hair, "
        "shoulder length hair, pageboy"
    ),
    HairStyle.LONG: (
        "long hair, long-haired, straight long hair, long straight hair, flowing hair, waist- "
        "length hair, straight hair, loose hair, hair down"
    ),
    HairStyle.WAVY: (
        "wavy hair, wavy-haired, waves of hair, long wavy hair, curled hair, loose waves, "
        "tousled hair, beach waves"
    ),
    HairStyle.PONYTAIL: (
        "pony tail, pony-tail, high ponytail, hair tied back, tied-back hair, low ponytail, "
        "pulled-back hair"
    ),
    HairStyle.BUN: (
        "hair bun, top knot, topknot, hair in a bun, chignon, updo, man bun, high bun, pinned- "
        "up hair, hair up"
    ),
    HairStyle.CURLY: (
        "curls, curly hair, curly-haired, ringlets, curly head, frizzy hair, tight curls, "
        "locks, permed hair, perm"
    ),
    HairStyle.AFRO: "afro hair, natural hair, big curly hair, afro-textured hair, huge curls",
    HairStyle.BRAIDS: (
        "braided, braid, pigtails, plaits, braided hair, plaited hair, plait, cornrows, "
        "dreadlocks, two braids, pigtail, twin tails, dreads"
    ),
    HairStyle.SPIKY: (
        "spiked, spiky hair, spiky-haired, mohawk, punk hair, messy hair, tousled, anime hair, "
        "unruly hair, spikes"
    ),
}

TOPS: Mapping[StrEnum, str] = {
    TopKind.T_SHIRT: (
        "tshirt, tee shirt, tee, t shirt, polo, polo shirt, top, crop top, jersey, football "
        "shirt, short-sleeved shirt, pyjamas, pajamas"
    ),
    TopKind.TANK_TOP: (
        "tank, vest top, singlet, sleeveless top, camisole, undershirt, sleeveless shirt, "
        "halter top, sports bra, swimsuit, bikini, tanktop"
    ),
    TopKind.SHIRT: (
        "blouse, button-down, button-up, dress shirt, buttoned shirt, button-down shirt, "
        "button-up shirt, white-collar shirt, checked shirt, plaid shirt, flannel, flannel "
        "shirt, linen shirt, tunic, hawaiian shirt"
    ),
    TopKind.SWEATER: (
        "jumper, pullover, turtleneck, knitwear, knit, knitted sweater, knitted jumper, wool "
        "sweater, roll-neck, sweatshirt, woollen sweater, striped sweater, turtleneck sweater"
    ),
    TopKind.HOODIE: (
        "hooded sweatshirt, hoody, hooded top, zip-up, zip hoodie, hooded jumper, tracksuit, "
        "track top"
    ),
    TopKind.JACKET: (
        "leather jacket, denim jacket, bomber, bomber jacket, windbreaker, cardigan, biker "
        "jacket, jean jacket, anorak, puffer, puffer jacket, down jacket, open jacket, parka, "
        "kimono, fleece"
    ),
    TopKind.COAT: (
        "overcoat, trench coat, trenchcoat, raincoat, long coat, winter coat, lab coat, duffle "
        "coat, cloak, robe, bathrobe, white coat, greatcoat, cape, mackintosh, dressing gown, "
        "fur coat"
    ),
    TopKind.SUIT: (
        "blazer, business suit, tuxedo, dinner jacket, three-piece suit, suit jacket, tailored "
        "suit, sports jacket, formal wear, power suit, waistcoat, tux"
    ),
    TopKind.DRESS: (
        "gown, frock, sundress, evening gown, wedding dress, evening dress, cocktail dress, "
        "nightgown, summer dress, sari, qipao, cheongsam, ball gown, nightdress"
    ),
    TopKind.UNIFORM: (
        "police uniform, uniform shirt, officer's uniform, military uniform, nurse's uniform, "
        "scrubs, guard uniform, school uniform, policeman's uniform, fatigues, officer, "
        "policeman, policewoman, security guard, soldier, pilot"
    ),
    TopKind.APRON: (
        "chef's apron, kitchen apron, smock, overalls, dungarees, pinafore, barista apron, "
        "chef, barista, waiter, waitress, baker, cook's apron"
    ),
}

BOTTOMS: Mapping[StrEnum, str] = {
    BottomKind.TROUSERS: (
        "pants, slacks, chinos, trouser, dress pants, suit trousers, leggings, cargo pants, "
        "joggers, sweatpants, corduroys, khakis, tights, tracksuit bottoms, pyjama bottoms"
    ),
    BottomKind.JEANS: (
        "blue jeans, denims, denim trousers, skinny jeans, ripped jeans, jean, dungarees"
    ),
    BottomKind.SHORTS: (
        "short trousers, short pants, bermudas, hot pants, swimming trunks, trunks, denim "
        "shorts, cargo shorts, boardshorts"
    ),
    BottomKind.SKIRT: (
        "miniskirt, mini skirt, short skirt, pleated skirt, knee-length skirt, pencil skirt, "
        "mini, tartan skirt, kilt, tutu"
    ),
    BottomKind.LONG_SKIRT: (
        "maxi skirt, ankle-length skirt, flowing skirt, full-length skirt, maxi, floor-length "
        "skirt, sarong, long flowing skirt"
    ),
}

ACCESSORIES: Mapping[StrEnum, str] = {
    Accessory.GLASSES: (
        "spectacles, eyeglasses, reading glasses, specs, round glasses, bespectacled, horn- "
        "rimmed glasses, wire-rimmed glasses, goggles, monocle"
    ),
    Accessory.SUNGLASSES: (
        "sun glasses, shades, dark glasses, aviators, aviator sunglasses, mirrored sunglasses, "
        "mirrored glasses"
    ),
    Accessory.HAT: (
        "fedora, straw hat, sun hat, sunhat, bowler, bowler hat, top hat, brimmed hat, wide- "
        "brimmed hat, panama hat, cowboy hat, trilby, bonnet"
    ),
    Accessory.CAP: (
        "baseball cap, flat cap, peaked cap, police cap, snapback, visor, peaked hat, trucker "
        "cap, beret, helmet"
    ),
    Accessory.BEANIE: (
        "woolly hat, knit cap, knitted hat, bobble hat, wool hat, winter hat, woollen hat, "
        "tuque, ski hat, knit hat, wool cap"
    ),
    Accessory.SCARF: (
        "shawl, muffler, neckerchief, bandana, silk scarf, wool scarf, woollen scarf, foulard, "
        "pashmina"
    ),
    Accessory.EARRINGS: (
        "earring, hoops, hoop earrings, ear studs, pearl earrings, ear rings, studs"
    ),
    Accessory.NECKLACE: (
        "pendant, chain, locket, pearls, choker, pearl necklace, gold chain, medallion, amulet, "
        "beads"
    ),
    Accessory.TIE: "necktie, neck tie, bow tie, bowtie, cravat",
    Accessory.BEARD: (
        "bearded, full beard, goatee, stubble, whiskers, long beard, facial hair, unshaven"
    ),
    Accessory.MOUSTACHE: (
        "mustache, moustached, handlebar moustache, mustached, mustachioed, handlebar mustache, "
        "tache"
    ),
    Accessory.HEADPHONES: (
        "headphone, headset, earphones, ear phones, over-ear headphones, earmuffs"
    ),
    Accessory.SHOULDER_BAG: (
        "handbag, hand bag, purse, messenger bag, satchel, tote, tote bag, crossbody bag, sling "
        "bag, clutch bag, laptop bag"
    ),
    Accessory.BACKPACK: (
        "rucksack, knapsack, school bag, schoolbag, back pack, daypack, bookbag, book bag"
    ),
    Accessory.FLOWER_CLIP: (
        "flower in her hair, hair clip, hairclip, hairpin, hair pin, hair bow, bow in her hair, "
        "flower clip in her hair, barrette, flower in the hair, hairband, headband, tiara, hair "
        "ribbon"
    ),
}

AGES: Mapping[StrEnum, str] = {
    Age.CHILD: (
        "kid, boy, girl, little boy, little girl, toddler, young boy, young girl, children, "
        "schoolboy, schoolgirl, small child, daughter, son, baby, kids, infant, grandchild, "
        "grandson, granddaughter"
    ),
    Age.TEEN: (
        "teenager, teenage, adolescent, teenage girl, teenage boy, youth, teens, high-schooler, "
        "schoolkid, student, youngster, teenaged, high school student"
    ),
    Age.ADULT: (
        "man, woman, grown-up, grown up, young man, young woman, middle-aged, guy, lady, "
        "gentleman, mother, father, mom, mum, dad, husband, wife, men, women, person, people, "
        "thirties, forties, twenties, boss, doctor, nurse, teacher, detective, lawyer, bride, "
        "groom, boyfriend, girlfriend, stranger, friend, colleague, waiter, businesswoman, "
        "businessman"
    ),
    Age.ELDER: (
        "elderly, old, old man, old woman, older man, older woman, senior, grandmother, "
        "grandfather, grandma, grandpa, granny, grandad, aged, elderly man, elderly woman, "
        "pensioner, old lady, old gentleman, seventies, eighties, sixties, white-haired, grey- "
        "haired, gray-haired"
    ),
}

BUILDS: Mapping[StrEnum, str] = {
    Build.SLIM: (
        "thin, slender, skinny, lean, lanky, petite, slight, wiry, willowy, bony, gaunt, "
        "slightly built"
    ),
    Build.AVERAGE: (
        "medium build, average build, normal build, of medium build, regular build, ordinary build"
    ),
    Build.BROAD: (
        "muscular, broad-shouldered, strong, athletic, burly, stocky, well-built, brawny, "
        "beefy, fit, sturdy, bodybuilder, muscled"
    ),
    Build.HEAVY: (
        "fat, overweight, chubby, plump, heavyset, heavy-set, stout, round, portly, large, big, "
        "rotund, obese, heavily built, pot-bellied, curvy, pudgy"
    ),
}

FACINGS: Mapping[StrEnum, str] = {
    Facing.LEFT: (
        "facing left, to the left, looks left, faces left, turned left, leftwards, leftward, in "
        "profile to the left, looking left"
    ),
    Facing.RIGHT: (
        "facing right, to the right, looks right, faces right, turned right, rightwards, "
        "rightward, in profile, in profile to the right, looking right, profile"
    ),
    Facing.FRONT: (
        "facing the camera, faces the camera, toward the camera, towards the camera, looks at "
        "the camera, into the camera, looking at the camera, head-on, frontal, facing front, "
        "looks at us, at the viewer"
    ),
    Facing.AWAY: (
        "facing away, back to the camera, seen from behind, faces away, from the back, with his "
        "back to us, with her back to us, back turned, back view, rear view"
    ),
}

PROPS: Mapping[StrEnum, str] = {
    PropKind.LETTER: (
        "letters, note, paper, sheet of paper, document, contract, handwritten letter, papers, "
        "will, form, page, diploma, certificate, receipt, bill, invoice, report, script, love "
        "letter, manuscript, telegram, list"
    ),
    PropKind.ENVELOPE: (
        "envelopes, sealed envelope, invitation, postcard, ticket, tickets, mail, sealed letter"
    ),
    PropKind.PHONE: (
        "smartphone, mobile, mobile phone, cell phone, cellphone, telephone, cell, handset, "
        "iphone, screen, tablet, walkie-talkie, remote, phones"
    ),
    PropKind.CUP: (
        "mug, coffee, tea, cup of coffee, cup of tea, coffee cup, teacup, coffee mug, hot "
        "chocolate, paper cup, espresso, cocoa, latte, cups"
    ),
    PropKind.GLASS: (
        "glass of water, drinking glass, glass of wine, wine glass, wineglass, whisky, whiskey, "
        "cocktail, juice, beer, glass of milk, champagne, tumbler, drink, pint, water, glass of "
        "juice, martini"
    ),
    PropKind.BOTTLE: (
        "bottles, wine bottle, bottle of wine, beer bottle, flask, water bottle, thermos, "
        "potion, vial, medicine, pills, perfume, wine"
    ),
    PropKind.BOOK: (
        "books, novel, textbook, bible, volume, paperback, old book, tome, photo album, album, "
        "scrapbook, atlas, manual, cookbook"
    ),
    PropKind.NOTEBOOK: (
        "diary, journal, notepad, sketchbook, ledger, exercise book, clipboard, planner, pad, "
        "folder, file, pen, pencil, dossier"
    ),
    PropKind.KEY: (
        "keys, door key, car key, car keys, house key, brass key, golden key, key ring, old "
        "key, keycard"
    ),
    PropKind.FLOWER: (
        "rose, single flower, tulip, daisy, red rose, sunflower, lily, blossom, orchid, single "
        "rose, dandelion"
    ),
    PropKind.BOUQUET: (
        "flowers, bunch of flowers, roses, bouquet of flowers, bouquet of roses, bunch of "
        "roses, wildflowers, wreath, tulips"
    ),
    PropKind.UMBRELLA: "umbrellas, parasol, brolly, red umbrella, black umbrella",
    PropKind.BAG: (
        "shopping bag, paper bag, bags, groceries, briefcase, duffel bag, sack, grocery bag, "
        "basket, sports bag, plastic bag, shopping bags, leather bag"
    ),
    PropKind.BOX: (
        "cardboard box, parcel, package, carton, crate, boxes, chest, treasure chest, wooden "
        "box, moving box, pizza, pizza box, toolbox"
    ),
    PropKind.GIFT: (
        "present, gift box, wrapped gift, birthday present, wrapped present, gifts, christmas "
        "present, presents, surprise box"
    ),
    PropKind.SUITCASE: (
        "luggage, trolley, travel bag, suitcases, baggage, trunk, valise, rolling suitcase, "
        "carry-on"
    ),
    PropKind.PHOTO: (
        "photograph, picture, snapshot, old photo, polaroid, framed photo, photographs, photos, "
        "portrait photo, framed picture, old photograph, painting, frame"
    ),
    PropKind.RING: (
        "engagement ring, wedding ring, diamond ring, ring box, diamond, jewel, jewellery, "
        "jewelry, wedding band, gold ring, bracelet"
    ),
    PropKind.KNIFE: (
        "blade, dagger, kitchen knife, carving knife, sword, scissors, pocket knife, scalpel, "
        "screwdriver"
    ),
    PropKind.GUN: "pistol, revolver, handgun, firearm, weapon, rifle, toy gun, water pistol",
    PropKind.LAPTOP: "computer, notebook computer, macbook, laptop computer, keyboard, pc, laptops",
    PropKind.LANTERN: (
        "lamp, torch, flashlight, oil lamp, paper lantern, lanterns, oil lantern, storm lantern"
    ),
    PropKind.CANDLE: (
        "candles, candlestick, candlelight, taper, candelabra, burning candle, match, lit candle"
    ),
    PropKind.NEWSPAPER: (
        "paper news, newspapers, magazine, gazette, the news, tabloid, magazines, daily paper, "
        "comic, comic book, headline"
    ),
    PropKind.MAP: "maps, treasure map, chart, blueprint, road map, city map, scroll, poster, plan",
    PropKind.GUITAR: (
        "acoustic guitar, ukulele, violin, instrument, lute, banjo, cello, musical instrument, "
        "electric guitar"
    ),
    PropKind.BALL: (
        "football, basketball, soccer ball, volleyball, beach ball, baseball, tennis ball, "
        "balls, balloon"
    ),
    PropKind.CAKE: (
        "birthday cake, pie, wedding cake, cupcake, tart, chocolate cake, dessert, cheesecake, "
        "muffin"
    ),
    PropKind.PLATE: (
        "dish, meal, plate of food, dinner, food, bowl, soup, noodles, breakfast, lunch, tray, "
        "pasta, rice, salad, plates, bowl of soup, bowl of noodles"
    ),
    PropKind.APPLE: (
        "apples, fruit, red apple, orange fruit, peach fruit, sandwich, burger, bread, snack, "
        "cookie, banana, croissant, ice cream, doughnut, donut, tomato, pear"
    ),
    PropKind.MONEY: (
        "cash, banknotes, bills, wad of cash, dollars, coins, banknote, bundle of money, "
        "wallet, stack of money, coin, credit card, card, cards, envelope of cash"
    ),
    PropKind.CAMERA: (
        "photo camera, film camera, camcorder, video camera, binoculars, old camera, cameras"
    ),
    PropKind.WATCH: (
        "wristwatch, pocket watch, timepiece, wrist watch, stopwatch, compass, gold watch"
    ),
    PropKind.TEDDY: (
        "teddy, stuffed bear, plush, plush toy, stuffed animal, soft toy, doll, toy, toys, toy bear"
    ),
    PropKind.PAN: "frying pan, saucepan, pot, skillet, wok, cooking pot, kettle, ladle, spoon",
    PropKind.CLOCK: "alarm clock, table clock, clocks, ticking clock, timer, wall clock",
    PropKind.DOG: (
        "puppy, hound, dogs, terrier, retriever, labrador, pup, golden retriever, spaniel, "
        "little dog, stray dog"
    ),
    PropKind.CAT: "kitten, cats, kitty, tomcat, grey cat, gray cat, black cat, stray cat, tabby",
}

COLOURS: Mapping[str, str] = {
    "white": "snow-white, ivory white, pearl, alabaster, chalk, off-white, pure white, pearly",
    "cream": "ivory, creamy, eggshell, vanilla, ecru, off white, champagne coloured",
    "beige": "sand, sandy, buff, oatmeal, nude, taupe, fawn, camel-beige, light brown",
    "grey": (
        "gray, ash, ashen, slate, smoke, stone grey, light grey, light gray, salt-and-pepper, "
        "pewter, greying, graying"
    ),
    "silver": "silvery, chrome, metallic, steel, silver-grey",
    "charcoal": "dark grey, dark gray, graphite, anthracite, gunmetal, slate grey",
    "black": "jet, jet black, onyx, pitch black, coal-black, ebony black, inky",
    "red": (
        "crimson, scarlet, ruby, cherry, vermilion, vermillion, blood red, bright red, "
        "fire-engine red, tomato red, carmine, cardinal"
    ),
    "burgundy": (
        "maroon, wine, wine red, wine-red, dark red, oxblood, bordeaux, claret, garnet, deep red"
    ),
    "coral": "salmon, salmon pink, coral pink, terracotta pink, apricot, watermelon",
    "pink": (
        "rose pink, rosy, blush, light pink, pale pink, baby pink, bubblegum, rose-coloured, "
        "pastel pink"
    ),
    "magenta": (
        "fuchsia, hot pink, cerise, raspberry, neon pink, bright pink, shocking pink, dark pink"
    ),
    "orange": "tangerine, amber, pumpkin, bright orange, carrot, persimmon, saffron",
    "rust": (
        "rusty, terracotta, copper, burnt orange, brick, brick red, rust-red, rust red, "
        "cinnamon, sienna"
    ),
    "gold": "golden, gilded, brass, metallic gold, old gold",
    "mustard": "ochre, mustard yellow, mustard-yellow, dark yellow, turmeric, honey, curry",
    "yellow": (
        "lemon, canary, sunny yellow, bright yellow, light yellow, pale yellow, sunflower "
        "yellow, primrose"
    ),
    "lime": (
        "lime green, chartreuse, neon green, yellow-green, bright green, apple green, light green"
    ),
    "green": "emerald, grass green, jade, kelly green, fern, leaf green, shamrock, moss green",
    "olive": "olive green, army green, moss, drab, military green, camouflage, pistachio",
    "forest green": (
        "dark green, bottle green, hunter green, pine green, deep green, evergreen, racing green"
    ),
    "mint": "mint green, seafoam, pale green, aqua green, sage, pastel green",
    "teal": "dark turquoise, petrol, peacock, blue-green, dark cyan, deep teal, petrol blue",
    "turquoise": "aqua, aquamarine, cyan, turquoise blue",
    "sky blue": (
        "light blue, baby blue, pale blue, powder blue, azure, sky-blue, ice blue, pastel blue"
    ),
    "blue": (
        "royal blue, cobalt, sapphire, bright blue, electric blue, cerulean, ultramarine, "
        "cornflower"
    ),
    "denim": "denim blue, jean blue, faded blue, steel blue, washed blue, slate blue, dusty blue",
    "navy": "navy blue, dark blue, midnight blue, deep blue, indigo, ink blue, navy-blue",
    "lavender": (
        "lilac, mauve, light purple, pale purple, wisteria, periwinkle, heather, pastel purple"
    ),
    "purple": "violet, amethyst, grape, royal purple, bright purple",
    "plum": "aubergine, eggplant, dark purple, mulberry, deep purple, damson",
    "brown": (
        "wooden, wood, nut brown, hazel, earth, coffee brown, brunette, mid-brown, medium "
        "brown, walnut, leather"
    ),
    "chocolate": "chocolate brown, dark chocolate, mocha, espresso brown, cocoa brown",
    "tan": "tanned leather, caramel, camel, toffee, biscuit, tawny, light tan",
    "khaki": "khaki green, dusty green, dun, khaki-coloured",
    "auburn": "reddish-brown, reddish brown, red-brown, mahogany, russet, dark red hair, titian",
    "ginger": (
        "red-haired, redhead, red-headed, copper hair, carroty, ginger-haired, strawberry "
        "blond, strawberry blonde, red hair, flame-haired"
    ),
    "blond": (
        "blonde, fair-haired, golden hair, flaxen, yellow hair, golden blond, golden blonde, "
        "sandy hair, honey blond, honey blonde, dirty blond, dirty blonde, golden-haired, "
        "blond-haired, blonde-haired"
    ),
    "platinum": (
        "platinum blond, platinum blonde, white blond, white blonde, bleached, ash blond, ash "
        "blonde"
    ),
    "chestnut": "chestnut brown, chestnut hair, warm brown, light brown hair, brown-haired",
    "dark brown": "dark-brown, dark hair, dark-haired, deep brown, brown hair, brown-black",
    "raven": (
        "raven black, raven-haired, black hair, black-haired, jet-black hair, blue-black, raven "
        "hair"
    ),
    "porcelain": "very pale, pale skin, pale-skinned, pale, milky, white-skinned, very fair",
    "fair": "fair skin, fair-skinned, light skin, light-skinned, light-complexioned",
    "peach": "peachy, medium-light, rosy skin, warm skin, freckled, peach skin",
    "olive skin": (
        "olive-skinned, mediterranean, light tan skin, medium skin, medium-skinned, olive "
        "complexion, tanned"
    ),
    "bronze": (
        "bronzed, tan skin, tan-skinned, sun-tanned, suntanned, golden skin, light brown skin, "
        "bronze skin, honey skin"
    ),
    "umber": "brown skin, brown-skinned, medium-dark, caramel skin, brown complexion",
    "sepia": "dark brown skin, dark-skinned, dark skin, deep brown skin, dark complexion",
    "ebony": "very dark skin, black skin, black-skinned, deep skin, deep dark skin, ebony skin",
}
