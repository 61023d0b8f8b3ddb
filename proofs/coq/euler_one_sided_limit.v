(** * Euler's growth with a one-sided constant tends to that of the flow

    Statement.   With G = √(1 + 2hμ + h²K²) and T = nh fixed, G^n → e^{μT} as h → 0; more exactly, with
                 x = 2hμ + h²K² > −1, e^{(μT + hK²T/2)/(1 + x)} ≤ G^n ≤ e^{μT + hK²T/2}.
    Assumptions. h > 0; T = nh; for the first inequality 1 + x > 0; for the limit T > 0, h = T/(n + 1)
    Source.      theory, section 3
    Verdict.     proved as stated
    Theorems.    euler_above_exponential, euler_growth_tends_to_flow *)

From Coq Require Import Reals Lra Psatz Lia.
From NatrobProofs Require Import euler_one_sided.
Open Scope R_scope.

(** 1/(1 + x) = 1 − x/(1 + x) ≤ e^{−x/(1 + x)} *)
Lemma exponential_below : forall x, 0 < 1 + x -> exp (x / (1 + x)) <= 1 + x.
Proof.
  intros x positive. pose proof (exp_ineq1_le (- (x / (1 + x)))) as tangent.
  replace (1 + - (x / (1 + x))) with (/ (1 + x)) in tangent by (field; lra).
  rewrite exp_Ropp in tangent.
  pose proof (exp_pos (x / (1 + x))) as power.
  apply Rmult_le_reg_r with (/ (1 + x)); [apply Rinv_0_lt_compat; assumption|].
  rewrite Rinv_r by lra. apply Rmult_le_reg_l with (/ exp (x / (1 + x))); [apply Rinv_0_lt_compat; assumption|].
  rewrite <- Rmult_assoc, Rinv_l by lra. lra.
Qed.

Theorem euler_above_exponential : forall h mu K n T, 0 < h -> INR n * h = T -> 0 < euler_growth_squared h mu K ->
  exp ((mu * T + h * (K * K) * T / 2) / euler_growth_squared h mu K) <= euler_one_sided_growth h mu K ^ n.
Proof.
  intros h mu K n T positive horizon room. subst T.
  set (G := euler_growth_squared h mu K) in *.
  (* one step: e^{x/(2(1 + x))} ≤ √(1 + x) *)
  assert (exp ((h * mu + h * h * (K * K) / 2) / G) <= euler_one_sided_growth h mu K) as one_step.
  { unfold euler_one_sided_growth. fold G.
    rewrite <- (sqrt_square (exp _)) by (apply Rlt_le, exp_pos). apply sqrt_le_1_alt. rewrite <- exp_plus.
    replace ((h * mu + h * h * (K * K) / 2) / G + (h * mu + h * h * (K * K) / 2) / G)
      with ((2 * h * mu + h * h * (K * K)) / (1 + (2 * h * mu + h * h * (K * K)))).
    - replace G with (1 + (2 * h * mu + h * h * (K * K))) in * by (unfold G, euler_growth_squared; ring).
      apply exponential_below. exact room.
    - replace (1 + (2 * h * mu + h * h * (K * K))) with G by (unfold G, euler_growth_squared; ring). field. lra. }
  induction n as [|n step].
  - simpl. replace ((mu * (0 * h) + h * (K * K) * (0 * h) / 2) / G) with 0 by (field; lra). rewrite exp_0. lra.
  - replace ((mu * (INR (S n) * h) + h * (K * K) * (INR (S n) * h) / 2) / G)
      with ((h * mu + h * h * (K * K) / 2) / G + (mu * (INR n * h) + h * (K * K) * (INR n * h) / 2) / G)
      by (rewrite S_INR; field; lra).
    rewrite exp_plus. simpl pow. apply Rmult_le_compat; try assumption; apply Rlt_le, exp_pos.
Qed.

(** Both exponents are continuous in h and are μT at h = 0. *)
Theorem euler_growth_tends_to_flow : forall mu K T, 0 < T ->
  Un_cv (fun n => euler_one_sided_growth (T / INR (S n)) mu K ^ S n) (exp (mu * T)).
Proof.
  intros mu K T positive.
  set (lower := fun h => exp ((mu * T + h * (K * K) * T / 2) / (1 + 2 * h * mu + h * h * (K * K)))).
  set (upper := fun h => exp (mu * T + h * (K * K) * T / 2)).
  set (step := fun n => T / INR (S n)).
  assert (Un_cv step 0) as small.
  { unfold step. intros epsilon wanted. pose proof RinvN_cv as reciprocals. unfold Un_cv in reciprocals.
    destruct (reciprocals (epsilon / T) (Rdiv_lt_0_compat _ _ wanted positive)) as [N near].
    exists N. intros n late. specialize (near n late). unfold R_dist, RinvN in *. simpl pos in near.
    rewrite Rminus_0_r in *. rewrite S_INR.
    replace (T / (INR n + 1)) with (T * / (INR n + 1)) by (unfold Rdiv; reflexivity).
    rewrite Rabs_mult, (Rabs_right T) by lra.
    apply Rlt_le_trans with (T * (epsilon / T)); [apply Rmult_lt_compat_l; assumption|right; field; lra]. }
  assert (continuity_pt lower 0) as lower_continuous by (unfold lower; reg; lra).
  assert (continuity_pt upper 0) as upper_continuous by (unfold upper; reg).
  assert (continuity_pt (fun h => 1 + 2 * h * mu + h * h * (K * K)) 0) as square_continuous by reg.
  pose proof (continuity_seq lower step 0 lower_continuous small) as from_below.
  pose proof (continuity_seq upper step 0 upper_continuous small) as from_above.
  pose proof (continuity_seq _ step 0 square_continuous small) as to_one.
  replace (lower 0) with (exp (mu * T)) in from_below by (unfold lower; f_equal; field).
  replace (upper 0) with (exp (mu * T)) in from_above by (unfold upper; f_equal; field).
  intros epsilon wanted.
  destruct (from_below epsilon wanted) as [N_below below]. destruct (from_above epsilon wanted) as [N_above above].
  destruct (to_one (1 / 2) ltac:(lra)) as [N_one one].
  exists (N_below + N_above + N_one)%nat. intros n late.
  specialize (below n ltac:(lia)). specialize (above n ltac:(lia)). specialize (one n ltac:(lia)).
  unfold R_dist in *. apply Rabs_def2 in below. apply Rabs_def2 in above. apply Rabs_def2 in one.
  fold (step n). assert (0 < INR (S n)) as count by (apply lt_0_INR; lia).
  assert (0 < step n) as step_positive by (unfold step; apply Rdiv_lt_0_compat; assumption).
  assert (INR (S n) * step n = T) as horizon by (unfold step; field; lra).
  assert (0 < euler_growth_squared (step n) mu K) as room by (unfold euler_growth_squared; lra).
  pose proof (euler_above_exponential (step n) mu K (S n) T step_positive horizon room) as least.
  pose proof (euler_below_exponential (step n) mu K (S n) step_positive) as most.
  replace (INR (S n) * step n * mu) with (mu * T) in most by (rewrite horizon; ring). rewrite horizon in most.
  fold (upper (step n)) in most.
  assert (lower (step n) <= euler_one_sided_growth (step n) mu K ^ S n) as least_folded by exact least.
  apply Rabs_def1; lra.
Qed.
