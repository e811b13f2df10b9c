"""Every figure of the detector, with its unit and where it comes from.

Sources: [firmware] the street firmware nb_wvds (1 count taken as 0.1 uT); [physics] the dipole
model of vehicles; [tuned] chosen on half of the recorded traces and on made ones, which
docs/evidence/parking.md names.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Parameters:
    """Fields are in uT. "L1" is the sum over the three axes of absolute differences.

    "Noise" is the sensor's own, measured while nothing moves: the mean L1 span of a block.
    """

    block: float = 1.0  # s, at least: samples are judged in blocks... [tuned] at 5 Hz
    samples: int = 4  # ...of so many, at least: fewer do not show how much noise there is
    settle: int = 4  # blocks that must agree before a field counts as settled. [tuned]
    lag: int = 3  # blocks that the level stays behind: a car creeps in that long. [physics]
    follow: float = 0.15  # share by which a calm block moves the level: about 7 s. [tuned]

    calm_span: float = 3.0  # L1 span of a calm block, at least. [firmware] 2.5 on an axis
    calm_span_noise: float = 2.2  # the same, in noise. [tuned]
    calm_shift: float = 0.8  # L1 from the level to a calm block's mean, at least. [tuned]
    calm_shift_noise: float = 0.6  # the same, in noise. [tuned]
    agree: float = 1.5  # the same between the means of settled blocks, in calm shifts. [tuned]
    noise_follow: float = 0.05  # share by which a calm block moves the noise. [tuned]
    noise_limit: float = 8.0  # beyond it, the place is called restless and not noisy. [tuned]
    restless: float = 60.0  # s without settling, after which more noise is granted. [tuned]

    wave_swing: float = 14.0  # L1 span of a wave from above the sensor... [firmware] 18
    wave_slope: float = 18.0  # ...that changes so fast, uT/s. [physics] next bay: 15 at most
    wave_alone: float = 40.0  # L1 span that needs no slope. [physics] next bay: 21 at most
    wave_excess: float = 4.0  # both go so far beyond the settled fields: no mere step. [physics]
    wave_noise: float = 1.2  # noise times this is taken off all of them. [tuned]

    moved: float = 0.6  # L1 change that a wave from above leaves behind, at least. [tuned]
    moved_noise: float = 0.4  # the same, in noise. [tuned]
    enter_blind: float = 12.0  # the same where a wave may have been missed. [firmware]
    enter_still: float = 20.0  # the same where there was none. [physics] next bay: 12 at most
    enter_fast: float = 18.0  # the same while the field does not settle... [firmware]
    fast: int = 10  # ...for so many blocks on end. [tuned] firmware: 15 samples of 96 ms

    near: float = 3.5  # L1 to the empty field that is empty. [firmware]
    mirror: float = 0.3  # part of the entering change that may be left over. [firmware]
    far: float = 7.5  # L1 to both empty fields, up to which the nearest field decides. [tuned]
    nearer: float = 0.5  # beyond it, the nearest must be so much nearer than the other. [tuned]
    same_wave: float = 0.8  # a swing so much like the arrival's is that car's way out. [tuned]

    visits: int = 3  # that are compared: cars differ from each other, the empty bay does not
    unlike: float = 12.0  # L1 between empty fields that neither drift nor neighbours explain...
    alike: float = 0.3  # ...when the parked ones differ by no more than this part of it. [tuned]

    magnet_axis: float = 150.0  # [firmware]
    magnet_sum: float = 250.0  # [firmware]
    magnet_swing: float = 1.1  # a magnet's swing per change; a car's is 1.15 and more. [physics]
    magnet_sure: float = 600.0  # sum over the axes that no car reaches, 450 at most. [physics]

    gap: float = 3.0  # s without a sample, in which a wave may have been missed. [physics]
    silence: float = 30.0  # s without a sample, after which nothing is known.
