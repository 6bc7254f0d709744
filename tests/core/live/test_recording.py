"""What stands in for a journal that keeps nothing."""

from fillbridge.engine import EngineState
from fillbridge.live.recording import NoRecording


def test_it_takes_everything_and_keeps_nothing():
    recording = NoRecording()
    recording.append((), 1)
    recording.note("gate", {}, 1)
    recording.commit()
    recording.check(EngineState())
    assert recording.epoch == 1
    assert recording.state == EngineState()


def test_it_goes_on_with_a_state_and_an_epoch():
    state = EngineState()
    recording = NoRecording(state, 7)
    assert recording.state is state
    assert recording.epoch == 7
