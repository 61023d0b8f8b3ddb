(** * Euler's method with a one-sided constant

    Statement.   ‖e + hΔf‖² ≤ (1 + 2hμ + h²K²)‖e‖², so n steps let a distance grow at most by √(1 + 2hμ + h²K²)^n. The
                 factor is below 1 exactly for h < −2μ/K². For μ = 0 it is (1 + h²K²)^{n/2} ≤ e^{hK²T/2}, T = nh, and
                 in general it is at most e^{μT + hK²T/2}. It is attained by f = μy + √(K² − μ²)Jy, J a quarter turn.
    Assumptions. any inner product space; h > 0; f(t, ·) is K-Lipschitz with one-sided constant μ; K > 0 where it
                 divides; −K ≤ μ ≤ K and J linear, ⟨Ju, u⟩ = 0, ‖Ju‖ = ‖u‖ where it is attained
    Source.      theory, sections 1 and 3
    Verdict.     proved for every h
    Theorems.    one_sided_step_squared, one_sided_growth_over_steps, euler_contracts, euler_below_exponential,
                 euler_of_skew_below_exponential, one_sided_growth_is_attained,
                 one_sided_growth_is_attained_in_product *)

From Coq Require Import Reals Lra Psatz QArith Qreals.
From NatrobProofs Require Import normed_space inner_product_space product_space one_step_methods theorem_3_1 one_sided.
Open Scope R_scope.
Open Scope vector_scope.

(** ** The growth factor of one step, squared: what the code takes the root of *)

Definition euler_growth_squared (h mu K : R) : R := 1 + 2 * h * mu + h * h * (K * K).

Definition euler_growth_squared_Q (h mu K : Q) : Q := (1 + (2 # 1) * h * mu + h * h * (K * K))%Q.

Lemma euler_growth_squared_rational : forall h mu K : Q,
  Q2R (euler_growth_squared_Q h mu K) = euler_growth_squared (Q2R h) (Q2R mu) (Q2R K).
Proof.
  intros h mu K. unfold euler_growth_squared_Q, euler_growth_squared.
  rewrite !Q2R_plus, !Q2R_mult. unfold Q2R at 1 2. simpl. field.
Qed.

(** (1 − hK)² ≤ 1 + 2hμ + h²K² since −K ≤ μ *)
Lemma euler_growth_squared_nonnegative : forall h mu K, 0 <= h -> - K <= mu -> 0 <= euler_growth_squared h mu K.
Proof.
  intros h mu K positive between. unfold euler_growth_squared.
  pose proof (Rmult_le_compat_l h _ _ positive between) as scaled.
  pose proof (Rle_0_sqr (1 - h * K)) as square. unfold Rsqr in square. lra.
Qed.

Definition euler_one_sided_growth (h mu K : R) : R := sqrt (euler_growth_squared h mu K).

Section EulerOneSided.

Variable E : InnerProductSpace.

(** ‖e + hΔf‖² = ‖e‖² + 2h⟨Δf, e⟩ + h²‖Δf‖² *)
Lemma step_squared : forall (e difference : E) h,
  ‖e ⊕ h • difference‖ * ‖e ⊕ h • difference‖
    = ‖e‖ * ‖e‖ + 2 * h * ⟨difference, e⟩ + h * h * (‖difference‖ * ‖difference‖).
Proof.
  intros e difference h. rewrite <- !dot_is_norm_squared. expand_dot. rewrite (dot_symmetric _ e difference). ring.
Qed.

Theorem one_sided_step_squared : forall f h mu K,
  0 < h -> lipschitz E f K -> one_sided E f mu ->
  forall t z y, ‖(z ⊖ y) ⊕ h • (f t z ⊖ f t y)‖ * ‖(z ⊖ y) ⊕ h • (f t z ⊖ f t y)‖
    <= euler_growth_squared h mu K * (‖z ⊖ y‖ * ‖z ⊖ y‖).
Proof.
  intros f h mu K positive constant bound t z y. rewrite step_squared. unfold euler_growth_squared.
  (* ⟨Δf, e⟩ ≤ μ‖e‖² and ‖Δf‖² ≤ K²‖e‖² *)
  pose proof (Rmult_le_compat_l (2 * h) _ _ ltac:(lra) (bound t z y)) as inner.
  pose proof (Rmult_le_compat _ _ _ _ (norm_nonnegative _ _) (norm_nonnegative _ _) (constant t z y) (constant t z y))
    as outer.
  pose proof (Rmult_le_compat_l (h * h) _ _ ltac:(nra) outer). lra.
Qed.

Theorem one_sided_euler_step : forall f t0 h mu K n,
  0 < h -> lipschitz E f K -> one_sided E f mu ->
  grows_at_most E (euler_step E f t0 h n) (euler_one_sided_growth h mu K).
Proof.
  intros f t0 h mu K n positive constant bound z y. unfold euler_step, euler_one_sided_growth.
  set (t := t0 + INR n * h).
  replace ((z ⊕ h • f t z) ⊖ (y ⊕ h • f t y)) with ((z ⊖ y) ⊕ h • (f t z ⊖ f t y)) by vector.
  pose proof (one_sided_step_squared f h mu K positive constant bound t z y) as squares.
  set (after := (z ⊖ y) ⊕ h • (f t z ⊖ f t y)) in *. set (G := euler_growth_squared h mu K) in *.
  pose proof (norm_nonnegative _ (z ⊖ y)). pose proof (norm_nonnegative _ after).
  pose proof (sqrt_pos G).
  destruct (Rle_dec 0 G) as [nonnegative|negative].
  - apply compare_squares; [apply Rmult_le_pos; assumption|].
    replace (sqrt G * ‖z ⊖ y‖ * (sqrt G * ‖z ⊖ y‖)) with (sqrt G * sqrt G * (‖z ⊖ y‖ * ‖z ⊖ y‖)) by ring.
    rewrite sqrt_sqrt; assumption.
  - (* a square is not below 0: then e = 0 *)
    apply compare_squares; [apply Rmult_le_pos; assumption|].
    apply Rle_trans with 0; [nra|apply Rle_0_sqr].
Qed.

Theorem one_sided_growth_over_steps : forall f t0 h mu K,
  0 < h -> lipschitz E f K -> one_sided E f mu ->
  forall z y n, ‖solution E (euler_step E f t0 h) z n ⊖ solution E (euler_step E f t0 h) y n‖
    <= euler_one_sided_growth h mu K ^ n * ‖z ⊖ y‖.
Proof.
  intros f t0 h mu K positive constant bound z y n. apply growth_over_equal_steps; [apply sqrt_pos|].
  intro m. apply one_sided_euler_step; assumption.
Qed.

(** ** Attained *)

Section Attained.

Variable J : E -> E.
Hypothesis J_add : forall u v, J (u ⊕ v) = J u ⊕ J v.
Hypothesis J_scale : forall r u, J (r • u) = r • J u.
Hypothesis J_orthogonal : forall u, ⟨J u, u⟩ = 0.
Hypothesis J_isometric : forall u, ‖J u‖ = ‖u‖.

(** f = μy + √(K² − μ²)Jy *)
Definition spiral (mu K : R) : R -> E -> E := fun _ y => mu • y ⊕ sqrt (K * K - mu * mu) • J y.

Lemma spiral_difference : forall mu K t z y,
  spiral mu K t z ⊖ spiral mu K t y = mu • (z ⊖ y) ⊕ sqrt (K * K - mu * mu) • J (z ⊖ y).
Proof.
  intros mu K t z y. unfold spiral. rewrite J_add, !opposite_is_scale, J_scale. vector.
Qed.

(** ⟨Δf, e⟩ = μ‖e‖² *)
Lemma spiral_product : forall mu K t z y,
  ⟨spiral mu K t z ⊖ spiral mu K t y, z ⊖ y⟩ = mu * (‖z ⊖ y‖ * ‖z ⊖ y‖).
Proof.
  intros mu K t z y. rewrite spiral_difference. set (e := z ⊖ y).
  rewrite dot_add_left, !dot_scale_left, J_orthogonal, dot_is_norm_squared. ring.
Qed.

(** ‖Δf‖² = K²‖e‖² *)
Lemma spiral_norm : forall mu K t z y, - K <= mu <= K ->
  ‖spiral mu K t z ⊖ spiral mu K t y‖ * ‖spiral mu K t z ⊖ spiral mu K t y‖ = K * K * (‖z ⊖ y‖ * ‖z ⊖ y‖).
Proof.
  intros mu K t z y between. rewrite spiral_difference. set (e := z ⊖ y).
  assert (0 <= K * K - mu * mu) as room by nra.
  rewrite <- dot_is_norm_squared, dot_add_left, !dot_add_right, !dot_scale_left, !dot_scale_right,
    (dot_symmetric _ e (J e)), J_orthogonal, !dot_is_norm_squared, J_isometric.
  set (r := sqrt (K * K - mu * mu)).
  assert (r * r = K * K - mu * mu) as root by (apply sqrt_sqrt; assumption).
  transitivity ((mu * mu + r * r) * (‖e‖ * ‖e‖)); [ring|]. rewrite root. ring.
Qed.

Lemma spiral_constants : forall mu K, - K <= mu <= K -> lipschitz E (spiral mu K) K /\ one_sided E (spiral mu K) mu.
Proof.
  intros mu K between. split; intros t z y.
  - pose proof (norm_nonnegative _ (z ⊖ y)).
    apply compare_squares; [apply Rmult_le_pos; lra|]. rewrite spiral_norm by assumption. lra.
  - rewrite spiral_product. lra.
Qed.

(** Every step of every pair of solutions grows by the whole factor. *)
Theorem one_sided_growth_is_attained : forall t0 h mu K, 0 < h -> - K <= mu <= K ->
  lipschitz E (spiral mu K) K /\ one_sided E (spiral mu K) mu /\
  forall z y n, ‖solution E (euler_step E (spiral mu K) t0 h) z n ⊖ solution E (euler_step E (spiral mu K) t0 h) y n‖
    = euler_one_sided_growth h mu K ^ n * ‖z ⊖ y‖.
Proof.
  intros t0 h mu K positive between. destruct (spiral_constants mu K between) as [constant bound].
  split; [exact constant|split; [exact bound|]].
  intros z y n. induction n as [|n step]; simpl; [ring|].
  unfold euler_step at 1 3.
  set (u := solution E (euler_step E (spiral mu K) t0 h) z n) in *.
  set (w := solution E (euler_step E (spiral mu K) t0 h) y n) in *.
  set (t := t0 + INR n * h).
  replace ((u ⊕ h • spiral mu K t u) ⊖ (w ⊕ h • spiral mu K t w))
    with ((u ⊖ w) ⊕ h • (spiral mu K t u ⊖ spiral mu K t w)) by vector.
  rewrite Rmult_assoc, <- step.
  (* both sides are the roots of equal squares *)
  rewrite <- (sqrt_square (‖(u ⊖ w) ⊕ h • (spiral mu K t u ⊖ spiral mu K t w)‖)) by apply norm_nonnegative.
  rewrite <- (sqrt_square (‖u ⊖ w‖)) by apply norm_nonnegative.
  unfold euler_one_sided_growth. rewrite <- sqrt_mult.
  - f_equal. rewrite step_squared, spiral_product, spiral_norm by assumption. unfold euler_growth_squared. ring.
  - apply euler_growth_squared_nonnegative; lra.
  - apply Rle_0_sqr.
Qed.

End Attained.
End EulerOneSided.

(** The quarter turn of E × E is such a J, so the factor is attained in E × E for every E, and in the plane. *)
Theorem one_sided_growth_is_attained_in_product : forall (E : InnerProductSpace) t0 h mu K, 0 < h -> - K <= mu <= K ->
  let space := product_space E E in
  let f := spiral space (quarter_turn E) mu K in
  lipschitz space f K /\ one_sided space f mu /\
  forall z y n, ‖solution space (euler_step space f t0 h) z n ⊖ solution space (euler_step space f t0 h) y n‖
    = euler_one_sided_growth h mu K ^ n * ‖z ⊖ y‖.
Proof.
  intros E t0 h mu K positive between. apply one_sided_growth_is_attained; try assumption.
  - exact (quarter_turn_add E).
  - exact (quarter_turn_scale E).
  - exact (quarter_turn_orthogonal E).
  - exact (quarter_turn_isometric E).
Qed.

(** ** Where it contracts *)

(** 1 + 2hμ + h²K² < 1 where 2μ + hK² < 0. *)
Theorem euler_contracts : forall h mu K, 0 < h -> 0 < K -> - K <= mu ->
  (euler_one_sided_growth h mu K < 1 <-> h < - 2 * mu / (K * K)) /\
  (euler_one_sided_growth h mu K <= 1 <-> h <= - 2 * mu / (K * K)).
Proof.
  intros h mu K positive expanding between.
  pose proof (euler_growth_squared_nonnegative h mu K ltac:(lra) ltac:(lra)) as nonnegative.
  assert (0 < K * K) as square by (apply Rmult_lt_0_compat; assumption).
  unfold euler_one_sided_growth. rewrite <- sqrt_1 at 1 2.
  assert (euler_growth_squared h mu K = 1 + h * (2 * mu + h * (K * K))) as factored
    by (unfold euler_growth_squared; ring).
  assert (- 2 * mu / (K * K) * (K * K) = - 2 * mu) as quotient by (field; lra).
  assert ((h < - 2 * mu / (K * K) <-> 2 * mu + h * (K * K) < 0) /\
          (h <= - 2 * mu / (K * K) <-> 2 * mu + h * (K * K) <= 0)) as [strict weak].
  { repeat split; intro less.
    - pose proof (Rmult_lt_compat_r _ _ _ square less). lra.
    - apply Rmult_lt_reg_r with (K * K); lra.
    - pose proof (Rmult_le_compat_r _ _ _ (Rlt_le _ _ square) less). lra.
    - apply Rmult_le_reg_r with (K * K); lra. }
  rewrite strict, weak. repeat split; intro less.
  - apply sqrt_lt_0_alt in less. nra.
  - apply sqrt_lt_1_alt. nra.
  - apply sqrt_le_0 in less; [nra|lra|lra].
  - apply sqrt_le_1_alt. nra.
Qed.

(** ** Against the exponential *)

(** 1 + x ≤ e^x for x = 2hμ + h²K², and half of the exponent for the root. *)
Theorem euler_below_exponential : forall h mu K n, 0 < h ->
  euler_one_sided_growth h mu K ^ n <= exp (INR n * h * mu + h * (K * K) * (INR n * h) / 2).
Proof.
  intros h mu K n positive.
  assert (euler_one_sided_growth h mu K <= exp (h * mu + h * h * (K * K) / 2)) as one_step.
  { apply compare_squares; [apply Rlt_le, exp_pos|].
    rewrite <- exp_plus.
    replace (h * mu + h * h * (K * K) / 2 + (h * mu + h * h * (K * K) / 2))
      with (2 * h * mu + h * h * (K * K)) by field.
    unfold euler_one_sided_growth.
    destruct (Rle_dec 0 (euler_growth_squared h mu K)) as [nonnegative|negative].
    - rewrite sqrt_sqrt by assumption. unfold euler_growth_squared.
      rewrite Rplus_assoc. apply exp_ineq1_le.
    - rewrite sqrt_neg_0 by lra. rewrite Rmult_0_l. apply Rlt_le, exp_pos. }
  induction n as [|n step].
  - simpl. replace (0 * h * mu + h * (K * K) * (0 * h) / 2) with 0 by field. rewrite exp_0. lra.
  - replace (INR (S n) * h * mu + h * (K * K) * (INR (S n) * h) / 2)
      with ((h * mu + h * h * (K * K) / 2) + (INR n * h * mu + h * (K * K) * (INR n * h) / 2))
      by (rewrite S_INR; field).
    rewrite exp_plus. simpl. apply Rmult_le_compat; try assumption; [apply sqrt_pos|apply pow_le, sqrt_pos].
Qed.

(** μ = 0: (1 + h²K²)^{n/2} ≤ e^{hK²T/2}, which tends to 1 with h. *)
Theorem euler_of_skew_below_exponential : forall h K n T, 0 < h -> INR n * h = T ->
  euler_one_sided_growth h 0 K ^ n = sqrt (1 + h * h * (K * K)) ^ n /\
  sqrt (1 + h * h * (K * K)) ^ n <= exp (h * (K * K) * T / 2).
Proof.
  intros h K n T positive horizon.
  assert (euler_one_sided_growth h 0 K ^ n = sqrt (1 + h * h * (K * K)) ^ n) as same.
  { f_equal. unfold euler_one_sided_growth, euler_growth_squared. f_equal. ring. }
  split; [exact same|]. rewrite <- same, <- horizon.
  replace (h * (K * K) * (INR n * h) / 2) with (INR n * h * 0 + h * (K * K) * (INR n * h) / 2) by ring.
  apply euler_below_exponential. assumption.
Qed.
