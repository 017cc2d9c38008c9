"""What the three stores sell."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Product:
    """One thing on the shelf; price in whole dollars."""

    sku: str
    name: str
    category: str
    price: int


PRODUCTS = (
    Product("T01", "阿里山高山烏龍 75g", "tea", 680),
    Product("T02", "杉林溪清香烏龍 75g", "tea", 720),
    Product("T03", "木柵鐵觀音 100g", "tea", 560),
    Product("T04", "東方美人 50g", "tea", 880),
    Product("T05", "日月潭紅玉紅茶 50g", "tea", 480),
    Product("T06", "文山包種 75g", "tea", 520),
    Product("T07", "凍頂炭焙 100g", "tea", 620),
    Product("T08", "茉莉綠茶 茶包 15 入", "tea", 320),
    Product("T09", "冬片 限量 50g", "tea", 1180),
    Product("T10", "焙茶粉 60g", "tea", 290),
    Product("W01", "白瓷蓋碗", "ware", 880),
    Product("W02", "紫砂小壺", "ware", 2400),
    Product("W03", "柴燒茶杯", "ware", 760),
    Product("W04", "玻璃公道杯", "ware", 420),
    Product("W05", "竹製茶則", "ware", 260),
    Product("W06", "旅行茶具組", "ware", 1580),
    Product("W07", "鐵釉茶海", "ware", 980),
    Product("S01", "鳳梨酥 6 入", "sweets", 300),
    Product("S02", "綠豆糕 8 入", "sweets", 280),
    Product("S03", "烏龍生巧克力", "sweets", 380),
    Product("S04", "焙茶費南雪 4 入", "sweets", 260),
    Product("S05", "桂花羊羹", "sweets", 240),
    Product("S06", "茶香牛軋糖", "sweets", 320),
    Product("S07", "中秋茶點禮盒", "sweets", 980),
)
BY_CATEGORY = {
    category: [product for product in PRODUCTS if product.category == category]
    for category in ("tea", "ware", "sweets")
}
