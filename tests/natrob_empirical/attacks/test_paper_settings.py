from natrob_empirical.attacks import paper_boundary, paper_di2_fgsm, paper_fgsm, paper_pgd, paper_pgd_20
from natrob_empirical.threat_models import L2Ball, LinfBall


def test_the_settings_are_the_papers() -> None:
    assert paper_fgsm(0.3).ball == LinfBall(0.3)
    pgd = paper_pgd(0.5)
    assert (pgd.step_size, pgd.steps, pgd.random_start, pgd.restarts) == (0.01, 40, True, 1)
    assert pgd.step_size is not None
    assert pgd.step_size * pgd.steps < pgd.ball.epsilon  # its reach from any start, short of the ball's radius
    table_2 = paper_pgd_20()
    assert (table_2.ball.epsilon, table_2.step_size, table_2.steps) == (8 / 255, 2 / 255, 20)
    assert paper_di2_fgsm(50 / 255).probability == 0.5
    boundary = paper_boundary(3.0)
    assert (boundary.ball, boundary.queries) == (L2Ball(3.0), 1000)
    assert (boundary.spherical_step, boundary.source_step) == (0.1, 0.1)
