"""What a model recommended can be worked out again as long as that model is there."""

import shutil

from tests.service.conftest import PATIENT


def test_a_recommendation_is_replayed_by_the_model_that_gave_it_whichever_is_live(start, folder, model, second):
    client, _ = start()
    patient = client.post("/v1/patients", json=PATIENT).headers["location"]
    asked = {"as_of": "2025-01-15"}
    given = [client.get(f"{patient}/schedule", params=asked).json()]
    client.post(f"/v1/models/{second.name}/activate", json={"reason": "to be compared"})
    given.append(client.get(f"{patient}/schedule", params=asked).json())
    assert [each["model"]["version"] for each in given] == [model.version, second.name]
    assert given[0]["recommendation_id"] != given[1]["recommendation_id"]
    other, _ = start()  # has never loaded the first
    for http in (client, other):
        for each in given:
            again = http.post(f"/v1/recommendations/{each['recommendation_id']}/replay").json()
            assert (again["identical"], again["changed"]) == (True, [])
    shutil.rmtree(folder / model.version)
    third, _ = start()
    statuses = [third.post(f"/v1/recommendations/{each['recommendation_id']}/replay").status_code for each in given]
    assert statuses == [404, 200]
