"""Commands to a running handler: over a Unix socket, a line of JSON each way."""

from fillbridge.management.client import ManagementClient, connect
from fillbridge.management.messages import (
    Answer,
    AnswerKind,
    ApproveHold,
    CancelAll,
    CloseAll,
    Flatten,
    Halt,
    ListHolds,
    ListOrders,
    ListPositions,
    ListTrades,
    Propose,
    RejectHold,
    Request,
    Resume,
    ShowMetrics,
    ShowStatus,
    make_request,
)
from fillbridge.management.places import check_socket_path, other_sockets, socket_path
from fillbridge.management.server import serve_management
from fillbridge.management.service import Management

__all__ = (
    "Answer",
    "AnswerKind",
    "ApproveHold",
    "CancelAll",
    "CloseAll",
    "Flatten",
    "Halt",
    "ListHolds",
    "ListOrders",
    "ListPositions",
    "ListTrades",
    "Management",
    "ManagementClient",
    "Propose",
    "RejectHold",
    "Request",
    "Resume",
    "ShowMetrics",
    "ShowStatus",
    "check_socket_path",
    "connect",
    "make_request",
    "other_sockets",
    "serve_management",
    "socket_path",
)
