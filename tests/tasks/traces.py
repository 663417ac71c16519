"""A fix of people, whose traces are to go."""

from __future__ import annotations

FIX = """diff --git a/shop/cart.py b/shop/cart.py
--- a/shop/cart.py
+++ b/shop/cart.py
@@ -10,4 +10,10 @@ class Cart:
 import decimal
+from shop.rates import current_rate
 def total(self, items):
-    amount = sum(item.price for item in items)
+    if not items:
+        return None
+    amount = sum(item.price * item.count for item in items)
+    rate = current_rate(
+        self.currency, fallback='EUR',
+    )
     return amount
diff --git a/tests/test_cart.py b/tests/test_cart.py
--- a/tests/test_cart.py
+++ b/tests/test_cart.py
@@ -1 +1,2 @@
 from shop.cart import Cart
+assert Cart("EUR").total([Item(price=2, count=3)]) == 6
"""
SHA = "0123456789abcdef0123456789abcdef01234567"
