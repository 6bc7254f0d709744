"""Which templates the gateway speaks, and how their fields are numbered.

Written from published descriptions of the protocol, apart from the table of the driver: a number
that is wrong in one of them shows where the two meet.
"""

from typing import Final

NUMBERS: Final = """
100000 request enum; 100003 symbol_name str; 100006 trade_price f64; 100011 net_change f64;
100022 bid_price f64; 100025 ask_price f64; 100030 bid_size i32; 100031 ask_size i32;
100032 volume u64; 100067 expiration_date str; 100178 trade_size i32; 100266 bid_time str;
100267 ask_time str; 100379 trade_time str; 100749 product_code str; 110100 symbol str;
110101 exchange str; 110105 max_order_quantity i32; 110114 exchange_symbol str;
110116 instrument_type str; 110121 is_snapshot bool; 110300 basket_id str; 110306 price f64;
110307 fill_price f64; 110308 fill_size i32; 110309 fill_time str; 110310 fill_date str;
110311 fill_id str; 110318 cancelled_size i32; 110319 cancelled_time str;
110320 cancelled_date str; 110322 avg_fill_price f64; 110326 confirmed_time str;
110327 confirmed_date str; 110329 confirmed_size i32; 110358 linked_basket_ids str;
110615 date str; 112002 sequence_number str; 112003 aggressor enum; 112003 transaction_type enum;
112004 quantity i32; 112005 duration enum; 112008 price_type enum; 112016 trade_route str;
120001 index_format str; 120001 report_type str; 120008 text str; 120028 report_text str;
130002 app_name str; 130004 password str; 131003 user str; 131003 user_id str; 131407 status str;
131803 app_version str; 132760 user_msg str*; 132764 rq_handler_rp_code str*; 132766 rp_code str*;
140000 tp_max_session_count i32; 140012 op_max_session_count i32; 149138 presence_bits u32;
149238 exchange_order_id str; 149247 trigger_price f64; 149267 modified_size i32;
149268 modified_time str; 149269 modified_date str; 149273 completion_reason str; 150100 ssboe i32;
150101 usecs i32; 153002 start_index i32; 153003 finish_index i32; 153368 default_commission f64;
153428 unique_user_id str; 153621 infra_type enum; 153625 notify_type enum; 153628 system_name str;
153633 heartbeat_interval f64; 153634 template_version str; 153644 aggregated_quotes bool;
153649 has_aggregated_quotes bool*; 154002 account_name str; 154008 account_id str;
154009 buy_limit i32; 154013 fcm_id str; 154014 ib_id str; 154019 loss_limit f64;
154020 max_record_count i32; 154035 sell_limit i32; 154036 user_type enum;
154037 order_buy_qty i32; 154038 order_sell_qty i32; 154041 fill_buy_qty i32;
154042 fill_sell_qty i32; 154111 total_fill_size i32; 154112 total_unfilled_size i32;
154119 user_tag str; 154211 update_bits u32; 154244 level i32; 154260 buy_qty i32;
154261 sell_qty i32; 154352 subscribe_for_updates bool; 154382 currency str;
154383 account_currency str; 154386 min_qprice_change f64; 154389 single_point_value f64;
154434 avg_open_fill_price f64; 154456 target_ticks i32; 154457 target_quantity i32;
154458 stop_ticks i32; 154459 stop_quantity i32; 154460 target_quantity_released str;
154466 stop_quantity_released str; 154488 cancel_after_secs i32; 154497 original_basket_id str;
154571 clear_bits u32; 154629 window_name str; 154671 originator_window_name str;
154689 is_default bool; 154698 trading_algorithm str; 154710 manual_or_auto enum;
154770 orig_price_type enum; 154844 is_tradable str; 154857 stop_market_on_reject bool;
154909 lean_price f64; 156961 open_position_pnl str; 156962 open_position_quantity i32;
156963 closed_position_pnl str; 156964 closed_position_quantity i32; 156967 net_quantity i32;
156968 min_account_balance f64; 156969 commission_fill_rate f64; 156970 account_balance str;
156971 cash_on_hand str; 156972 check_min_account_balance bool; 156976 min_margin_balance f64;
156977 margin_balance str; 157003 buy_margin_rate f64; 157004 sell_margin_rate f64;
157014 used_buying_power str; 157015 available_buying_power str; 157063 trailing_stop bool;
157064 trail_by_ticks i32; 157085 cancel_at_ssboe i32; 157086 cancel_at_usecs i32;
157087 bracket_type enum; 157113 rms_account_commission str;
157124 trailing_stop_trigger_ticks i32; 157954 day_open_pnl f64; 157955 day_closed_pnl f64;
157956 day_pnl f64
"""
"""Number, name and type of each field where a template says nothing else; ``*``: repeated."""

LAYOUTS: Final = """
10 RequestLogin: template_version, user_msg, user, password, app_name, app_version, system_name,
  infra_type, aggregated_quotes
11 ResponseLogin: template_version, user_msg, rp_code, fcm_id, ib_id, unique_user_id,
  heartbeat_interval
12 RequestLogout: user_msg
13 ResponseLogout: user_msg, rp_code
14 RequestReferenceData: user_msg, symbol, exchange
15 ResponseReferenceData: user_msg, rp_code, presence_bits, clear_bits, symbol, exchange,
  exchange_symbol, symbol_name, product_code, instrument_type, expiration_date, currency,
  is_tradable, min_qprice_change, single_point_value
16 RequestRithmicSystemInfo: user_msg
17 ResponseRithmicSystemInfo: user_msg, rp_code, system_name@153628/str*, has_aggregated_quotes
18 RequestHeartbeat: user_msg, ssboe, usecs
19 ResponseHeartbeat: user_msg, rp_code, ssboe, usecs
75 Reject: user_msg, rp_code
77 ForcedLogout:
100 RequestMarketDataUpdate: user_msg, symbol, exchange, request, update_bits
101 ResponseMarketDataUpdate: user_msg, rp_code
150 LastTrade: symbol, exchange, presence_bits, clear_bits, is_snapshot, trade_price, trade_size,
  aggressor, exchange_order_id, net_change, volume, trade_time, ssboe, usecs
151 BestBidOffer: symbol, exchange, presence_bits, clear_bits, is_snapshot, bid_price, bid_size,
  bid_time, ask_price, ask_size, ask_time, lean_price, ssboe, usecs
300 RequestLoginInfo: user_msg
301 ResponseLoginInfo: user_msg, rp_code, fcm_id, ib_id, user, user_type, tp_max_session_count,
  op_max_session_count
302 RequestAccountList: user_msg, fcm_id, ib_id, user_type
303 ResponseAccountList: user_msg, rq_handler_rp_code, rp_code, fcm_id, ib_id, account_id,
  account_name, account_currency, loss_limit@154019/str
304 RequestAccountRmsInfo: user_msg, fcm_id, ib_id, user_type
305 ResponseAccountRmsInfo: user_msg, rq_handler_rp_code, rp_code, presence_bits@153622/u32,
  fcm_id, ib_id, account_id, currency@154383/str, status@154003/str, loss_limit,
  min_account_balance, min_margin_balance, default_commission, buy_limit, max_order_quantity,
  sell_limit, check_min_account_balance
306 RequestProductRmsInfo: user_msg, fcm_id, ib_id, account_id
307 ResponseProductRmsInfo: user_msg, rq_handler_rp_code, rp_code, presence_bits@153622/u32,
  fcm_id, ib_id, account_id, product_code, loss_limit, commission_fill_rate, buy_margin_rate,
  sell_margin_rate, buy_limit, max_order_quantity, sell_limit
308 RequestSubscribeForOrderUpdates: user_msg, fcm_id, ib_id, account_id
309 ResponseSubscribeForOrderUpdates: user_msg, rp_code
310 RequestTradeRoutes: user_msg, subscribe_for_updates
311 ResponseTradeRoutes: user_msg, rq_handler_rp_code, rp_code, fcm_id, ib_id, exchange,
  trade_route, status, is_default
312 RequestNewOrder: user_msg, user_tag, window_name, fcm_id, ib_id, account_id, symbol, exchange,
  quantity, price, trigger_price, transaction_type, duration, price_type, trade_route,
  manual_or_auto, trailing_stop, trail_by_ticks, cancel_at_ssboe, cancel_at_usecs,
  cancel_after_secs
313 ResponseNewOrder: user_msg, user_tag, rq_handler_rp_code, rp_code, basket_id, ssboe, usecs
314 RequestModifyOrder: user_msg, window_name, fcm_id, ib_id, account_id, basket_id, symbol,
  exchange, quantity, price, trigger_price, price_type, manual_or_auto, trailing_stop,
  trail_by_ticks
315 ResponseModifyOrder: user_msg, rq_handler_rp_code, rp_code, basket_id, ssboe, usecs
316 RequestCancelOrder: user_msg, window_name, fcm_id, ib_id, account_id, basket_id, manual_or_auto
317 ResponseCancelOrder: user_msg, rq_handler_rp_code, rp_code, basket_id, ssboe, usecs
318 RequestShowOrderHistoryDates: user_msg
319 ResponseShowOrderHistoryDates: user_msg, rq_handler_rp_code, rp_code, date@110615/str*
320 RequestShowOrders: user_msg, fcm_id, ib_id, account_id
321 ResponseShowOrders: user_msg, rp_code
322 RequestShowOrderHistory: user_msg, fcm_id, ib_id, account_id, basket_id
323 ResponseShowOrderHistory: user_msg, rp_code
324 RequestShowOrderHistorySummary: user_msg, fcm_id, ib_id, account_id, date
325 ResponseShowOrderHistorySummary: user_msg, rp_code
326 RequestShowOrderHistoryDetail: user_msg, fcm_id, ib_id, account_id, basket_id, date
327 ResponseShowOrderHistoryDetail: user_msg, rp_code
328 RequestOCOOrder: user_msg, user_tag@154119/str*, window_name@154629/str*, fcm_id, ib_id,
  account_id, symbol@110100/str*, exchange@110101/str*, quantity@112004/i32*, price@110306/f64*,
  trigger_price@149247/f64*, transaction_type@112003/enum*, duration@112005/enum*,
  price_type@112008/enum*, trade_route@112016/str*, manual_or_auto@154710/enum*, cancel_after_secs
329 ResponseOCOOrder: user_msg, user_tag@154119/str*, rq_handler_rp_code, rp_code,
  basket_id@110300/str*, ssboe@150100/i32*, usecs@150101/i32*
330 RequestBracketOrder: user_msg, user_tag, window_name, fcm_id, ib_id, account_id, symbol,
  exchange, quantity, price, trigger_price, transaction_type, duration, price_type, trade_route,
  manual_or_auto, user_type, bracket_type, target_quantity, target_ticks, stop_quantity,
  stop_ticks, trailing_stop_trigger_ticks, stop_market_on_reject, cancel_at_ssboe, cancel_at_usecs,
  cancel_after_secs
331 ResponseBracketOrder: user_msg, user_tag, rq_handler_rp_code, rp_code, basket_id, ssboe, usecs
332 RequestUpdateTargetBracketLevel: user_msg, fcm_id, ib_id, account_id, basket_id, level,
  target_ticks
333 ResponseUpdateTargetBracketLevel: user_msg, rp_code
334 RequestUpdateStopBracketLevel: user_msg, fcm_id, ib_id, account_id, basket_id, level,
  stop_ticks
335 ResponseUpdateStopBracketLevel: user_msg, rp_code
336 RequestSubscribeToBracketUpdates: user_msg, fcm_id, ib_id, account_id
337 ResponseSubscribeToBracketUpdates: user_msg, rp_code
338 RequestShowBrackets: user_msg, fcm_id, ib_id, account_id
339 ResponseShowBrackets: user_msg, rq_handler_rp_code, rp_code, basket_id,
  target_quantity@154457/str, target_quantity_released, target_ticks@154456/str
340 RequestShowBracketStops: user_msg, fcm_id, ib_id, account_id
341 ResponseShowBracketStops: user_msg, rq_handler_rp_code, rp_code, basket_id,
  stop_quantity@154459/str, stop_quantity_released, stop_ticks@154458/str,
  trailing_stop_trigger_ticks@157124/str
346 RequestCancelAllOrders: user_msg, fcm_id, ib_id, account_id, user_type, manual_or_auto
347 ResponseCancelAllOrders: user_msg, rp_code
350 TradeRoute: fcm_id, ib_id, exchange, trade_route, status, is_default
351 RithmicOrderNotification: user_tag, notify_type, is_snapshot, status@110303/str, basket_id,
  original_basket_id, linked_basket_ids, fcm_id, ib_id, user_id, account_id, symbol, exchange,
  trade_route, exchange_order_id, instrument_type, completion_reason, quantity, price,
  trigger_price, transaction_type, duration, price_type, orig_price_type, manual_or_auto,
  bracket_type, avg_fill_price, total_fill_size, total_unfilled_size, sequence_number, currency,
  text, report_text, window_name, originator_window_name, cancel_at_ssboe, cancel_at_usecs,
  cancel_after_secs, ssboe, usecs
352 ExchangeOrderNotification: user_tag, notify_type, is_snapshot, report_type, status@110303/str,
  basket_id, original_basket_id, linked_basket_ids, fcm_id, ib_id, user_id, account_id, symbol,
  exchange, trade_route, exchange_order_id, instrument_type, quantity, price, trigger_price,
  transaction_type, duration, price_type, orig_price_type, manual_or_auto, bracket_type,
  confirmed_size, confirmed_time, confirmed_date, modified_size, modified_time, modified_date,
  cancelled_size, cancelled_time, cancelled_date, fill_price, fill_size, fill_time, fill_date,
  fill_id, avg_fill_price, total_fill_size, total_unfilled_size, trail_by_ticks, sequence_number,
  currency, text, report_text, window_name, originator_window_name, cancel_at_ssboe,
  cancel_at_usecs, cancel_after_secs, ssboe, usecs
353 BracketUpdates: fcm_id, ib_id, account_id, basket_id, stop_ticks, stop_quantity,
  stop_quantity_released@154466/i32, target_ticks, target_quantity,
  target_quantity_released@154460/i32
400 RequestPnLPositionUpdates: user_msg, request, fcm_id, ib_id, account_id
401 ResponsePnLPositionUpdates: user_msg, rp_code
402 RequestPnLPositionSnapshot: user_msg, fcm_id, ib_id, account_id
403 ResponsePnLPositionSnapshot: user_msg, rp_code
450 InstrumentPnLPositionUpdate: is_snapshot, fcm_id, ib_id, account_id, symbol, exchange,
  product_code, instrument_type, fill_buy_qty, fill_sell_qty, order_buy_qty, order_sell_qty,
  buy_qty, sell_qty, avg_open_fill_price, day_open_pnl, day_closed_pnl, day_pnl, open_position_pnl,
  open_position_quantity, closed_position_pnl, closed_position_quantity, net_quantity, ssboe, usecs
451 AccountPnLPositionUpdate: is_snapshot, fcm_id, ib_id, account_id, fill_buy_qty, fill_sell_qty,
  order_buy_qty, order_sell_qty, buy_qty, sell_qty, rms_account_commission, open_position_pnl,
  open_position_quantity, closed_position_pnl, closed_position_quantity, net_quantity,
  margin_balance, min_margin_balance@156976/str, min_account_balance@156968/str, account_balance,
  cash_on_hand, available_buying_power, used_buying_power, day_open_pnl@157954/str,
  day_closed_pnl@157955/str, day_pnl@157956/str, ssboe, usecs
3504 RequestExitPosition: user_msg, window_name, fcm_id, ib_id, account_id, symbol, exchange,
  trading_algorithm, manual_or_auto
3505 ResponseExitPosition: user_msg, rq_handler_rp_code, rp_code, symbol, exchange
3506 RequestReplayExecutions: user_msg, fcm_id, ib_id, account_id, start_index, finish_index
3507 ResponseReplayExecutions: user_msg, rp_code
3512 RequestShowFillHistory: user_msg, fcm_id, ib_id, account_id, index_format, start_index,
  finish_index, max_record_count
3513 ResponseShowFillHistory: user_msg, rq_handler_rp_code, rp_code, basket_id, fcm_id, ib_id,
  account_id, symbol, exchange, trade_route, exchange_order_id, instrument_type,
  transaction_type@112003/str, duration@112005/str, price_type@112008/str,
  orig_price_type@154770/str, manual_or_auto@154710/str, fill_time, fill_date, fill_id, price,
  trigger_price, fill_price, avg_fill_price, fill_size@110308/u64, total_fill_size@154111/u64,
  total_unfilled_size@154112/u64, ssboe, usecs
"""
"""Number and name of each template, then its fields; an ``@`` says what is different in it."""
