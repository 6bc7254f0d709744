"""The templates of R|Protocol that the driver knows, each with its fields.

A field that means or is something else than in most templates says so itself: ``name=number:type``.
"""

TEMPLATES = """
10 RequestLogin
    template_version user_msg user password app_name app_version system_name infra_type
    aggregated_quotes
11 ResponseLogin
    template_version user_msg rp_code fcm_id ib_id unique_user_id heartbeat_interval
12 RequestLogout
    user_msg
13 ResponseLogout
    user_msg rp_code
14 RequestReferenceData
    user_msg symbol exchange
15 ResponseReferenceData
    user_msg rp_code presence_bits clear_bits symbol exchange product_code expiration_date
    is_tradable min_qprice_change single_point_value
16 RequestRithmicSystemInfo
    user_msg
17 ResponseRithmicSystemInfo
    user_msg rp_code system_name=153628:str*
18 RequestHeartbeat
    user_msg ssboe usecs
19 ResponseHeartbeat
    user_msg rp_code ssboe usecs
75 Reject
    user_msg rp_code
77 ForcedLogout
100 RequestMarketDataUpdate
    user_msg symbol exchange request update_bits
101 ResponseMarketDataUpdate
    user_msg rp_code
150 LastTrade
    symbol exchange presence_bits clear_bits is_snapshot trade_price trade_size aggressor ssboe
    usecs
151 BestBidOffer
    symbol exchange presence_bits clear_bits is_snapshot bid_price bid_size ask_price ask_size
    ssboe usecs
300 RequestLoginInfo
    user_msg
301 ResponseLoginInfo
    user_msg rp_code fcm_id ib_id user user_type tp_max_session_count op_max_session_count
302 RequestAccountList
    user_msg fcm_id ib_id user_type
303 ResponseAccountList
    user_msg rq_handler_rp_code rp_code fcm_id ib_id account_id account_name account_currency
    loss_limit
304 RequestAccountRmsInfo
    user_msg fcm_id ib_id user_type
305 ResponseAccountRmsInfo
    user_msg rq_handler_rp_code rp_code fcm_id ib_id account_id loss_limit=154019:f64 buy_limit
    sell_limit max_order_quantity
306 RequestProductRmsInfo
    user_msg fcm_id ib_id account_id
307 ResponseProductRmsInfo
    user_msg rq_handler_rp_code rp_code fcm_id ib_id account_id product_code buy_margin_rate
    sell_margin_rate buy_limit sell_limit max_order_quantity
308 RequestSubscribeForOrderUpdates
    user_msg fcm_id ib_id account_id
309 ResponseSubscribeForOrderUpdates
    user_msg rp_code
310 RequestTradeRoutes
    user_msg subscribe_for_updates
311 ResponseTradeRoutes
    user_msg rq_handler_rp_code rp_code fcm_id ib_id exchange trade_route status is_default
312 RequestNewOrder
    user_msg user_tag window_name fcm_id ib_id account_id symbol exchange quantity price
    trigger_price transaction_type duration price_type trade_route manual_or_auto trailing_stop
    trail_by_ticks cancel_after_secs
313 ResponseNewOrder
    user_msg user_tag rq_handler_rp_code rp_code basket_id ssboe usecs
314 RequestModifyOrder
    user_msg window_name fcm_id ib_id account_id basket_id symbol exchange quantity price
    trigger_price price_type manual_or_auto trailing_stop trail_by_ticks
315 ResponseModifyOrder
    user_msg rq_handler_rp_code rp_code basket_id ssboe usecs
316 RequestCancelOrder
    user_msg window_name fcm_id ib_id account_id basket_id manual_or_auto
317 ResponseCancelOrder
    user_msg rq_handler_rp_code rp_code basket_id ssboe usecs
320 RequestShowOrders
    user_msg fcm_id ib_id account_id
321 ResponseShowOrders
    user_msg rp_code
322 RequestShowOrderHistory
    user_msg fcm_id ib_id account_id basket_id
323 ResponseShowOrderHistory
    user_msg rp_code
324 RequestShowOrderHistorySummary
    user_msg fcm_id ib_id account_id date
325 ResponseShowOrderHistorySummary
    user_msg rp_code
326 RequestShowOrderHistoryDetail
    user_msg fcm_id ib_id account_id basket_id date
327 ResponseShowOrderHistoryDetail
    user_msg rp_code
330 RequestBracketOrder
    user_msg user_tag window_name fcm_id ib_id account_id symbol exchange quantity price
    trigger_price transaction_type duration price_type trade_route manual_or_auto user_type
    bracket_type target_quantity target_ticks stop_quantity stop_ticks
    trailing_stop_trigger_ticks stop_market_on_reject cancel_after_secs
331 ResponseBracketOrder
    user_msg user_tag rq_handler_rp_code rp_code basket_id ssboe usecs
332 RequestUpdateTargetBracketLevel
    user_msg fcm_id ib_id account_id basket_id level target_ticks
333 ResponseUpdateTargetBracketLevel
    user_msg rp_code
334 RequestUpdateStopBracketLevel
    user_msg fcm_id ib_id account_id basket_id level stop_ticks
335 ResponseUpdateStopBracketLevel
    user_msg rp_code
336 RequestSubscribeToBracketUpdates
    user_msg fcm_id ib_id account_id
337 ResponseSubscribeToBracketUpdates
    user_msg rp_code
338 RequestShowBrackets
    user_msg fcm_id ib_id account_id
339 ResponseShowBrackets
    user_msg rq_handler_rp_code rp_code basket_id target_quantity=154457:str
    target_quantity_released target_ticks=154456:str
340 RequestShowBracketStops
    user_msg fcm_id ib_id account_id
341 ResponseShowBracketStops
    user_msg rq_handler_rp_code rp_code basket_id stop_quantity=154459:str
    stop_quantity_released stop_ticks=154458:str trailing_stop_trigger_ticks=157124:str
346 RequestCancelAllOrders
    user_msg fcm_id ib_id account_id user_type manual_or_auto
347 ResponseCancelAllOrders
    user_msg rp_code
350 TradeRoute
    fcm_id ib_id exchange trade_route status is_default
351 RithmicOrderNotification
    user_tag notify_type is_snapshot status=110303:str basket_id original_basket_id
    linked_basket_ids fcm_id ib_id user_id account_id symbol exchange trade_route
    completion_reason quantity price trigger_price transaction_type duration price_type
    orig_price_type manual_or_auto bracket_type avg_fill_price total_fill_size
    total_unfilled_size text report_text window_name originator_window_name cancel_after_secs
    ssboe usecs
352 ExchangeOrderNotification
    user_tag notify_type is_snapshot report_type status=110303:str basket_id original_basket_id
    linked_basket_ids fcm_id ib_id user_id account_id symbol exchange trade_route quantity price
    trigger_price transaction_type duration price_type orig_price_type manual_or_auto
    bracket_type confirmed_size modified_size cancelled_size fill_price fill_size fill_time
    fill_date fill_id avg_fill_price total_fill_size total_unfilled_size trail_by_ticks text
    report_text window_name originator_window_name cancel_after_secs ssboe usecs
353 BracketUpdates
    fcm_id ib_id account_id basket_id stop_ticks stop_quantity stop_quantity_released=154466:i32
    target_ticks target_quantity target_quantity_released=154460:i32
400 RequestPnLPositionUpdates
    user_msg request fcm_id ib_id account_id
401 ResponsePnLPositionUpdates
    user_msg rp_code
402 RequestPnLPositionSnapshot
    user_msg fcm_id ib_id account_id
403 ResponsePnLPositionSnapshot
    user_msg rp_code
450 InstrumentPnLPositionUpdate
    is_snapshot fcm_id ib_id account_id symbol exchange product_code avg_open_fill_price
    open_position_pnl open_position_quantity closed_position_pnl closed_position_quantity
    net_quantity ssboe usecs
451 AccountPnLPositionUpdate
    is_snapshot fcm_id ib_id account_id rms_account_commission open_position_pnl
    open_position_quantity closed_position_pnl closed_position_quantity net_quantity
    margin_balance min_margin_balance min_account_balance account_balance cash_on_hand
    available_buying_power used_buying_power ssboe usecs
3504 RequestExitPosition
    user_msg window_name fcm_id ib_id account_id symbol exchange trading_algorithm
    manual_or_auto
3505 ResponseExitPosition
    user_msg rq_handler_rp_code rp_code symbol exchange
3506 RequestReplayExecutions
    user_msg fcm_id ib_id account_id start_index finish_index
3507 ResponseReplayExecutions
    user_msg rp_code
3512 RequestShowFillHistory
    user_msg fcm_id ib_id account_id index_format start_index finish_index max_record_count
"""
