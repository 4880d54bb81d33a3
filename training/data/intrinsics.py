"""What a transforms.json says of the lens: a pinhole with square pixels and its axis in the middle, or a refusal.

Tools write `camera_angle_x` (NeRF), or `fl_x`, `fl_y`, `cx`, `cy`, `w`, `h` in pixels, with OpenCV's coefficients of
distortion (instant-ngp, nerfstudio), for all pictures or for each.
"""

import math
from collections.abc import Mapping
from typing import Any

_DISTORTION = ("k1", "k2", "k3", "k4", "k5", "k6", "p1", "p2")
_MODELS = ("OPENCV", "PINHOLE", "SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL", "PERSPECTIVE")
_SAME_ANGLE = math.radians(0.1)
_SAME = 0.01
"""Relative difference of focal lengths, and distance of the axis from the middle as a share of the side."""


def field_of_view(given: Mapping[str, Any]) -> float:
    """Horizontal field of view in radians, of a picture's own values over those of all.

    Raises:
        ValueError: it is not told or out of range, or the camera is another than Gen3D's; the value is named.
        TypeError: a value is no number.
    """
    _see_that_it_is_a_pinhole(given)
    angles = {}
    if "camera_angle_x" in given:
        angles["camera_angle_x"] = float(given["camera_angle_x"])
    if "fl_x" in given:
        angles["fl_x"] = 2 * math.atan2(_side(given, "w", "fl_x") / 2, _positive(given, "fl_x"))
    if not angles:
        raise ValueError("'camera_angle_x', or 'fl_x' with 'w', is missing")
    if abs(max(angles.values()) - min(angles.values())) > _SAME_ANGLE:
        told = ", ".join(f"{name} {math.degrees(angle):.2f}" for name, angle in angles.items())
        raise ValueError(f"two fields of view, in degrees: {told}: remove the wrong one")
    fov = next(iter(angles.values()))
    if not 0.0 < fov < math.pi:
        raise ValueError(f"camera_angle_x is {fov}: it must be an angle in radians between 0 and pi")
    _see_that_pixels_are_square(given, fov)
    for centre, side in (("cx", "w"), ("cy", "h")):
        if centre in given:
            middle = _side(given, side, centre) / 2
            if not abs(float(given[centre]) - middle) <= max(2 * _SAME * middle, 0.51):
                raise ValueError(
                    f"{centre} is {float(given[centre]):g}, the middle {middle:g}: Gen3D needs the optical axis in the "
                    "middle of the picture: crop the pictures around it"
                )
    return fov


def _see_that_it_is_a_pinhole(given: Mapping[str, Any]) -> None:
    model = str(given.get("camera_model", "PINHOLE"))
    if model.upper() not in _MODELS or given.get("is_fisheye") is True:
        raise ValueError(f"camera_model is {model}: Gen3D needs pinhole cameras: undistort the pictures first")
    coefficients = {name: float(given[name] or 0) for name in _DISTORTION if name in given}
    listed = given.get("distortion_params")
    coefficients |= {f"distortion_params[{i}]": float(value) for i, value in enumerate(listed or ())}
    for name, value in coefficients.items():
        if not abs(value) < 1e-6:
            raise ValueError(
                f"{name} is {value:g}: Gen3D needs pictures without distortion: undistort them first "
                "(colmap image_undistorter), and set it to 0"
            )


def _see_that_pixels_are_square(given: Mapping[str, Any], fov: float) -> None:
    if "fl_y" in given:
        focal = _positive(given, "fl_x") if "fl_x" in given else _side(given, "w", "fl_y") / 2 / math.tan(fov / 2)
        if abs(_positive(given, "fl_y") - focal) > _SAME * focal:
            raise ValueError(
                f"fl_y is {float(given['fl_y']):g} where square pixels have {focal:g}: Gen3D needs square pixels: "
                "resize the pictures"
            )
    if "camera_angle_y" in given:
        ratio = _positive(given, "h") / _positive(given, "w") if "h" in given and "w" in given else 1.0
        expected = 2 * math.atan(math.tan(fov / 2) * ratio)
        if not abs(float(given["camera_angle_y"]) - expected) <= 5 * _SAME_ANGLE:
            raise ValueError(
                f"camera_angle_y is {float(given['camera_angle_y']):g} where square pixels have {expected:g}: "
                "Gen3D needs square pixels: resize the pictures"
            )


def _side(given: Mapping[str, Any], side: str, beside: str) -> float:
    if side not in given:
        raise ValueError(f"'{side}' is missing beside '{beside}'")
    return _positive(given, side)


def _positive(given: Mapping[str, Any], name: str) -> float:
    value = float(given[name])
    if not 0 < value < math.inf:
        raise ValueError(f"{name} is {value:g}: expected a positive number")
    return value
