(** * One step of Euler's method does not grow by 1 + hμ

    Statement.   ‖e + hΔf‖ ≤ (1 + hμ)‖e‖ for a field with one-sided constant μ: the growth factor with μ in place of K.
    Assumptions. any inner product space with two points; h > 0; −K < μ < K: for each of them the claim fails
                 in E × E for a K-Lipschitz field with one-sided constant μ
    Source.      theory, section 1, where the table says √(1 + 2hμ + h²K²), not 1 + hμ
    Verdict.     refuted with a counterexample
    Theorems.    one_plus_scaled_one_sided_is_too_small, one_plus_scaled_one_sided_fails, skew_step_in_the_plane *)

From Coq Require Import Reals Lra Psatz.
From NatrobProofs Require Import
  normed_space inner_product_space product_space one_step_methods theorem_3_1 one_sided euler_one_sided.
Open Scope R_scope.
Open Scope vector_scope.

(** (1 + hμ)² < 1 + 2hμ + h²K² wherever |μ| < K. *)
Lemma one_plus_scaled_one_sided_is_too_small : forall h mu K,
  0 < h -> - K < mu < K -> 1 + h * mu < euler_one_sided_growth h mu K.
Proof.
  intros h mu K positive between.
  assert (0 < h * h * (K * K - mu * mu)) as gap.
  { apply Rmult_lt_0_compat; [apply Rmult_lt_0_compat; assumption|]. nra. }
  assert (0 <= euler_growth_squared h mu K) by (apply euler_growth_squared_nonnegative; lra).
  apply Rnot_le_lt. intro less. pose proof (sqrt_pos (euler_growth_squared h mu K)) as root.
  unfold euler_one_sided_growth in less.
  pose proof (Rmult_le_compat _ _ _ _ root root less less) as squares.
  rewrite sqrt_sqrt in squares by assumption. unfold euler_growth_squared in squares. lra.
Qed.

(** The field μy + √(K² − μ²)Jy grows by the larger number in every step. *)
Theorem one_plus_scaled_one_sided_fails : forall (E : InnerProductSpace) (point : E) t0 h mu K,
  point <> zero -> 0 < h -> - K < mu < K ->
  exists f : R -> product_space E E -> product_space E E,
    lipschitz (product_space E E) f K /\ one_sided (product_space E E) f mu /\
    forall n, ~ grows_at_most (product_space E E) (euler_step (product_space E E) f t0 h n) (1 + h * mu).
Proof.
  intros E point t0 h mu K differs positive between.
  assert (- K <= mu <= K) as closed by lra.
  exists (spiral (product_space E E) (quarter_turn E) mu K).
  pose proof (fun later => one_sided_growth_is_attained_in_product E later h mu K positive closed) as attained.
  destruct (attained t0) as [constant [bound _]].
  split; [exact constant|split; [exact bound|]]. intros n claim.
  set (space := product_space E E) in *.
  set (u := ((point, zero) : space)).
  specialize (claim u (zero : space)).
  (* step n from t0 is the first step from t_n *)
  destruct (attained (t0 + INR n * h)) as [_ [_ grown]]. specialize (grown u (zero : space) 1%nat).
  cbv beta iota delta [solution] in grown. unfold euler_step in claim, grown.
  change (INR 0) with 0 in grown. rewrite Rmult_0_l, Rplus_0_r, pow_1 in grown. rewrite grown in claim.
  assert (0 < ‖u ⊖ zero‖) as distance.
  { replace (u ⊖ zero) with u by vector.
    destruct (norm_nonnegative _ u) as [more|null]; [exact more|]. exfalso. apply differs.
    symmetry in null. apply norm_separates in null. unfold u in null. injection null. tauto. }
  apply Rmult_le_reg_r in claim; [|exact distance].
  pose proof (one_plus_scaled_one_sided_is_too_small h mu K positive between). lra.
Qed.

(** In numbers: μ = 0, h = 1 and the quarter turn of the plane take a distance of 1 to √2. *)
Theorem skew_step_in_the_plane :
  let f := fun (_ : R) (y : plane) => quarter_turn real_line y in
  let z := ((1, 0) : plane) in
  one_sided plane f 0 /\ ‖z‖ = 1 /\ ‖euler_step plane f 0 1 0 z ⊖ euler_step plane f 0 1 0 zero‖ = sqrt 2.
Proof.
  intros f z. split; [|split].
  - change (one_sided (product_space real_line real_line) f 0). intros t u v. unfold f.
    replace (quarter_turn real_line u ⊖ quarter_turn real_line v) with (quarter_turn real_line (u ⊖ v)).
    + rewrite Rmult_0_l. apply Req_le, quarter_turn_orthogonal.
    + rewrite !opposite_is_scale, <- quarter_turn_scale. apply quarter_turn_add.
  - apply Rsqr_inj; [apply norm_nonnegative|lra|]. unfold Rsqr.
    rewrite <- dot_is_norm_squared. simpl. unfold pair_dot. simpl. ring.
  - apply Rsqr_inj; [apply norm_nonnegative|apply sqrt_pos|]. unfold Rsqr.
    rewrite sqrt_sqrt by lra. rewrite <- dot_is_norm_squared. simpl. unfold pair_dot. simpl. ring.
Qed.
