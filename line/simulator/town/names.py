"""What people are called, in the four languages of the town."""

from __future__ import annotations

from random import Random

SURNAMES = {
    "陳": "chen", "林": "lin", "黃": "huang", "張": "chang", "李": "lee", "王": "wang", "吳": "wu", "劉": "liu",
    "蔡": "tsai", "楊": "yang", "許": "hsu", "鄭": "cheng", "謝": "hsieh", "郭": "kuo", "洪": "hung", "曾": "tseng",
    "邱": "chiu", "廖": "liao", "賴": "lai", "周": "chou", "徐": "hsu", "蘇": "su", "葉": "yeh", "江": "chiang",
    "呂": "lu", "何": "ho", "羅": "lo", "高": "kao", "潘": "pan", "簡": "chien", "朱": "chu", "鍾": "chung",
}  # fmt: skip
WOMEN = (
    "淑芬", "怡君", "雅婷", "詩涵", "美玲", "佳穎", "宜蓁", "欣怡", "思妤", "郁婷", "惠雯", "心怡", "筱涵", "靜宜",
    "采潔", "品妍", "婉如", "玉珍", "慧君", "曉雯", "雅雯", "家瑜", "佩珊", "孟潔", "瑋婷", "韻如", "若晴", "秀蘭",
)  # fmt: skip
MEN = (
    "志明", "家豪", "俊傑", "冠宇", "宗翰", "承恩", "柏翰", "建宏", "文雄", "彥廷", "宇軒", "信宏", "哲維", "國華",
    "明哲", "子軒", "威廷", "育誠", "嘉偉", "仁傑", "書豪", "景行", "偉倫", "正雄", "睿哲", "啟文", "奕辰", "世昌",
)  # fmt: skip
JAPANESE = (
    "佐藤 美咲", "鈴木 陽子", "高橋 健太", "田中 結衣", "伊藤 直樹", "渡辺 真由", "山本 翔", "中村 彩", "小林 拓也",
    "加藤 恵", "吉田 里奈", "山田 大輔", "松本 葵", "井上 誠", "木村 千尋", "清水 涼", "森 菜々子", "池田 亮",
)  # fmt: skip
THAI = (
    "สมชาย ใจดี", "ณัฐพร ศรีสุข", "กิตติ วงศ์ไทย", "พิมพ์ชนก แก้วมณี", "ธนากร บุญมา", "สุดารัตน์ ทองดี",
    "อนุชา พรหมดี", "วราภรณ์ สุขใจ", "ปิยะ รัตนกุล", "ชลธิชา นาคสุข",
)  # fmt: skip
ENGLISH = (
    "Emily Carter", "James Wright", "Olivia Brown", "Daniel Kim", "Sophie Martin", "Michael Chan", "Grace Lee",
    "Thomas Baker", "Hannah Clark", "Peter Novak", "Laura Schmidt", "Andrew Scott", "Maria Santos", "Kevin Wong",
)  # fmt: skip
LANGUAGES = {"zh-Hant": 86, "ja": 6, "en": 5, "th": 3}
MAIL = ("example.com", "example.net", "example.org")


def pick_language(random: Random) -> str:
    return random.choices(list(LANGUAGES), list(LANGUAGES.values()))[0]


def pick_name(random: Random, language: str, gender: str) -> str:
    if language == "zh-Hant":
        # The first surnames of the list are the frequent ones.
        surname = random.choices(list(SURNAMES), [40 - n for n in range(len(SURNAMES))])[0]
        return surname + random.choice(WOMEN if gender == "female" else MEN)
    return random.choice({"ja": JAPANESE, "th": THAI, "en": ENGLISH}[language])


def mail_of(name: str, number: int, random: Random) -> str:
    """An address nobody has: the example domains belong to no one."""
    written = SURNAMES.get(name[:1]) or name.lower().split()[0]
    return f"{written if written.isascii() else 'guest'}{number:04d}@{random.choice(MAIL)}"


def phone_of(number: int) -> str:
    """A mobile number such as people write it, different for each."""
    digits = f"{(number * 7919 + 1_234_567) % 10_000_000:07d}"
    return f"091{digits[0]}-{digits[1:4]}-{digits[4:]}"
